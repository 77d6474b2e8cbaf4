import { createOpen, definePeer } from '@pendshare/core'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { mock, mockPeer } from '../../src/index.ts'

const adc = definePeer({
  name: 'adc0',
  options: z
    .strictObject({ rateHz: z.number().positive(), channels: z.array(z.int().min(0)).max(512).default([0]) })
    .transform(({ rateHz, channels }) => ({ rateHz, count: channels.length, channels })),
  layout: { rateHz: 'f64', count: 'u32', channels: ['u32', 512] },
  reply: { rateHz: 'f64', bits: 'u32', model: ['text', 16] },
})

/** Rounds the rate as a divider would, and writes the channels as they came. */
const fake = mockPeer(adc, (share, options, answer) => {
  answer({ rateHz: Math.round(options.rateHz / 1000) * 1000, bits: 16, model: 'fake' })
  share.memory.set(options.channels.slice(0, options.count))
  return {}
})

async function device() {
  const open = createOpen({})
  return open({ backend: mock({ peers: [fake], schedule: 'live' }) })
}

it('gets its options decoded, beyond 64 bytes, and answers', async () => {
  await using opened = await device()
  const channels = Array.from({ length: 300 }, (_, i) => i % 200)
  await using share = await opened.share({
    bytes: 4096,
    peer: adc,
    peerOptions: { rateHz: 48_123, channels },
  })
  expect(share.peer).toBe('adc0')
  expect(share.reply).toEqual({ rateHz: 48_000, bits: 16, model: 'fake' })
  expect([...share.memory.subarray(0, 300)]).toEqual(channels)
  expect(share.reply).toBe(share.reply)
})

it('is refused by what the definition refuses, before the driver hears of it', async () => {
  await using opened = await device()
  const sharing = (peerOptions: never) => opened.share({ bytes: 4096, peer: adc, peerOptions })
  const INVALID = { code: 'ERR_PENDSHARE_INVALID_ARGUMENT' }
  await expect(sharing({ rateHz: -1 } as never)).rejects.toMatchObject({
    ...INVALID,
    message: expect.stringMatching(/peerOptions\.rateHz: /),
  })
  await expect(sharing({ rateHz: 1, channels: [2 ** 32] } as never)).rejects.toMatchObject({
    ...INVALID,
    message: expect.stringMatching(/peerOptions\.channels\[0\]: 4294967296 does not fit u32/),
  })
  await expect(sharing({ rateHz: 1, gain: 3 } as never)).rejects.toMatchObject(INVALID)
  await expect(
    opened.share({ bytes: 4096, peer: adc.named('adc1'), peerOptions: { rateHz: 1 } }),
  ).rejects.toMatchObject({
    code: 'ERR_PENDSHARE_UNKNOWN_PEER',
  })
  expect(opened.shares()).toEqual([])
})

it('without an answer has a reply of zeros, and without a reply none', async () => {
  const silent = definePeer({ name: 'silent', reply: { rate: 'u32' } })
  const mute = definePeer({ name: 'mute' })
  const peers = [mockPeer(silent, () => ({})), mockPeer(mute, () => ({}))]
  await using opened = await createOpen({})({ backend: mock({ peers, schedule: 'live' }) })
  await using first = await opened.share({ bytes: 4096, peer: silent })
  await using second = await opened.share({ bytes: 4096, peer: mute })
  expect(first.reply).toEqual({ rate: 0 })
  expect(second.reply).toBeUndefined()
})
