import { framesLength } from '@pendshare/core'
import { expect, test } from 'vitest'
import { type Bench, bench, options, request, share } from '../harness.ts'
import { Owner } from './owner.ts'

const PAGE = 4096
const EMPTY = 1

async function looping({ count = 4, bytes = PAGE } = {}) {
  const one = await bench()
  const pages = framesLength(count, bytes, PAGE) / PAGE
  const asked = request(1, { peer: 'loopback', pages, frames: { count, bytes } })
  await share(one, asked)
  one.driver.run()
  return { one, asked, owner: new Owner(asked.memory) }
}

function notify({ device, driver }: Bench): void {
  device.notify(1)
  driver.run()
}

test('the program has all slots at first, without content', async () => {
  const { owner } = await looping({ count: 3 })
  const empty = { bytes: 0, sequence: 0, timestampNs: 0n, flags: EMPTY }
  expect(owner.take()).toEqual([0, 1, 2].map((slot) => ({ slot, ...empty })))
})

test('what is submitted comes back inverted, with its length and the flags that are its own, numbered', async () => {
  const { one, owner } = await looping()
  owner.take()
  one.driver.advance(7)
  one.driver.run()
  ;(owner.slots[2] as Uint8Array).set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(owner.give(2, 11, 0xabcd_0002, 99n)).toBe(true)
  expect(owner.give(1, 0, 0)).toBe(false)
  notify(one)
  expect(owner.take()).toEqual([
    { slot: 2, bytes: 11, sequence: 0, timestampNs: 7_000_000n, flags: 0xabcd_0000 },
    { slot: 1, bytes: 0, sequence: 1, timestampNs: 7_000_000n, flags: 0 },
  ])
  expect([...(owner.slots[2] as Uint8Array).subarray(0, 12)]).toEqual([
    255, 254, 253, 252, 251, 250, 249, 248, 247, 246, 245, 0,
  ])
  expect(one.events).toEqual([{ id: 1, kind: 'doorbell', count: 1 }])
  one.device.end(1, 'release')
  one.driver.run()
  expect(one.events.at(-1)).toMatchObject({ bytes: PAGE + 2 * PAGE + 11 })
})

test('what comes empty goes back as it is, without a number', async () => {
  const { one, owner } = await looping()
  owner.take()
  owner.give(0)
  owner.give(1, 8, 0)
  notify(one)
  expect(owner.take().map(({ slot, sequence, flags }) => [slot, sequence, flags])).toEqual([
    [0, 0, EMPTY],
    [1, 0, 0],
  ])
})

test('it asks to be notified again whenever nothing is left', async () => {
  const { one, owner } = await looping()
  owner.take()
  for (let round = 0; round < 10; round++) {
    expect(owner.give(round % 4, 4, 0)).toBe(true)
    notify(one)
    expect(owner.take().map(({ sequence }) => sequence)).toEqual([round])
  }
})

test('a frame of more than a step is inverted whole', async () => {
  const bytes = 3 << 20
  const { one, owner } = await looping({ count: 1, bytes })
  owner.take()
  owner.give(0, bytes - 3, 0)
  notify(one)
  expect(owner.take().map((entry) => entry.bytes)).toEqual([bytes - 3])
  const slot = owner.slots[0] as Uint8Array
  expect(slot.subarray(0, -3).every((byte) => byte === 255)).toBe(true)
  expect([...slot.subarray(-3)]).toEqual([0, 0, 0])
})

test('an owner who writes nonsense fails its share', async () => {
  for (const spoil of [
    (owner: Owner) => owner.give(4, 1, 0), // no such slot
    (owner: Owner) => owner.give(0, PAGE + 1, 0), // longer than a slot
    (owner: Owner) => owner.claim(5), // more than there are
    (owner: Owner) => owner.claim(-1), // back
    (owner: Owner) => [owner.give(0, 1, 0), owner.give(0, 1, 0)], // twice
  ]) {
    const { one, owner } = await looping()
    owner.take()
    spoil(owner)
    notify(one)
    expect(one.events.at(-1)).toMatchObject({
      kind: 'end',
      reason: 'failed',
      error: { code: 'ERR_PENDSHARE_FRAMES_CORRUPT' },
    })
  }
})

test('options are refused', async () => {
  const one = await bench()
  const wanted = request(1, {
    peer: 'loopback',
    pages: 3,
    frames: { count: 2, bytes: PAGE },
    peerOptions: options(0),
  })
  await expect(share(one, wanted)).rejects.toMatchObject({ code: 'ERR_PENDSHARE_INVALID_ARGUMENT' })
})
