import { expect, test } from 'vitest'
import { bench, options, request, share } from '../harness.ts'

const filled = (memory: Uint8Array, value: number) => memory.every((byte) => byte === value)

test('without a period it fills at once, then once for each notification', async () => {
  const one = await bench()
  const wanted = request(1, { peer: 'fill', access: 'write', peerOptions: options(0, 0, 255), pages: 2 })
  await share(one, wanted)
  one.driver.run()
  expect(filled(wanted.memory, 255)).toBe(true)
  one.device.notify(1)
  one.driver.run()
  expect(filled(wanted.memory, 0)).toBe(true)
  expect(one.events).toEqual([
    { id: 1, kind: 'doorbell', count: 1 },
    { id: 1, kind: 'doorbell', count: 1 },
  ])
})

test('with a period it fills at each, and ends after its rounds', async () => {
  const one = await bench()
  const wanted = request(1, { peer: 'fill', peerOptions: options(1e6, 3, 7) })
  await share(one, wanted)
  one.driver.advance(2)
  one.driver.run()
  expect(filled(wanted.memory, 8)).toBe(true)
  one.driver.advance(100)
  one.driver.run()
  expect(filled(wanted.memory, 9)).toBe(true)
  expect(one.events.at(-1)).toEqual({ id: 1, kind: 'end', reason: 'peer-ended', bytes: 4096 })
})

test('a long share is filled a MiB at a time, and counts what was written when it ends in between', async () => {
  const one = await bench()
  const wanted = request(1, { peer: 'fill', pages: 600, peerOptions: options(0, 0, 1) })
  const accepted = one.device.share(wanted)
  while (one.driver.step() !== 'step 1');
  one.device.end(1, 'release')
  one.driver.run()
  await accepted
  expect(one.events).toEqual([{ id: 1, kind: 'end', reason: 'released', bytes: 1 << 20 }])
  expect([wanted.memory[(1 << 20) - 1], wanted.memory[1 << 20]]).toEqual([1, 0])
})

test('options out of range are refused', async () => {
  const one = await bench()
  for (const fields of [[0, 0, 256], [49_999], [3_600_000_000_001], [0, 0, 0, 0]]) {
    await expect(
      share(one, request(1, { peer: 'fill', peerOptions: options(...fields) })),
    ).rejects.toMatchObject({ code: 'ERR_PENDSHARE_INVALID_ARGUMENT' })
  }
})
