import { framesLength } from '@pendshare/core'
import { expect, test } from 'vitest'
import { capture } from '../../src/peers/capture.ts'
import { bench, options, request, share } from '../harness.ts'
import { lateDriver } from '../late.ts'
import { Owner } from './owner.ts'

const PAGE = 4096

function wanted(fields: number[], { count = 4, bytes = PAGE } = {}) {
  return request(1, {
    peer: 'capture',
    pages: framesLength(count, bytes, PAGE) / PAGE,
    frames: { count, bytes },
    peerOptions: options(...fields),
  })
}

async function capturing(fields: number[], slots?: { count?: number; bytes?: number }) {
  const one = await bench()
  const asked = wanted(fields, slots)
  await share(one, asked)
  return { one, asked, owner: new Owner(asked.memory) }
}

/** A frame as abi.h says, word by word. */
function expected(sequence: number, bytes: number): Uint32Array {
  const words = new Uint32Array(bytes / 4)
  for (let at = 4; at < words.length; at++)
    words[at] = Number((BigInt(sequence + at) * 0x9e3779b1n) & 0xffff_ffffn)
  words[0] = sequence
  words[3] = bytes
  words[2] = words.reduce((sum, word) => (sum + word) >>> 0, 0)
  return words
}

function words(slot: Uint8Array, bytes = slot.length): Uint32Array {
  return new Uint32Array(slot.buffer, slot.byteOffset, bytes / 4)
}

test('without a period it fills slots as they come, word by word as abi.h says', async () => {
  const { one, owner } = await capturing([0, 100])
  one.driver.run()
  const first = owner.take()
  expect(first.map(({ slot, bytes, sequence, flags }) => [slot, bytes, sequence, flags])).toEqual([
    [0, 100, 0, 0],
    [1, 100, 1, 0],
    [2, 100, 2, 0],
    [3, 100, 3, 0],
  ])
  for (const { slot, sequence } of first)
    expect(words(owner.slots[slot] as Uint8Array, 100)).toEqual(expected(sequence, 100))
  expect(one.events).toEqual([{ id: 1, kind: 'doorbell', count: 1 }])
  // It has asked to be notified of the first.
  expect([2, 0].map((slot) => owner.give(slot))).toEqual([true, false])
  one.device.notify(1)
  one.driver.run()
  expect(owner.take().map(({ slot, sequence }) => [slot, sequence])).toEqual([
    [2, 4],
    [0, 5],
  ])
  expect([owner.overruns, owner.missed]).toEqual([0, 0])
})

test('it ends after its count, and counts up to the end of the last slot that it filled', async () => {
  const { one, owner } = await capturing([0, 0, 3])
  one.driver.run()
  expect(owner.take()).toHaveLength(3)
  expect(one.events.at(-1)).toEqual({ id: 1, kind: 'end', reason: 'peer-ended', bytes: PAGE + 3 * PAGE })
})

test('with a period, what finds no slot is an overrun and a gap in the sequence', async () => {
  const { one, owner } = await capturing([1e6], { count: 2 })
  one.driver.advance(5)
  one.driver.run()
  expect(owner.take().map(({ sequence, timestampNs }) => [sequence, timestampNs])).toEqual([
    [0, 1_000_000n],
    [1, 2_000_000n],
  ])
  expect([owner.overruns, owner.missed]).toEqual([3, 0])
  owner.give(0)
  one.driver.advance(1)
  one.driver.run()
  expect(owner.take().map(({ sequence }) => sequence)).toEqual([5])
})

test('a timer that comes too late makes for missed frames, and a gap in the sequence', () => {
  const asked = wanted([1e9])
  const timer = lateDriver(capture, asked)
  const owner = new Owner(asked.memory)
  timer.expire(1e9)
  timer.expire(6e9) // due at 2e9
  expect(owner.take().map(({ sequence }) => sequence)).toEqual([0, 5])
  expect([owner.overruns, owner.missed]).toEqual([0, 4])
})

test('a frame of more than a step is one frame all the same', async () => {
  const bytes = 3 << 20
  const { one, owner } = await capturing([0, 0, 1], { count: 1, bytes })
  one.driver.run()
  expect(owner.take().map((entry) => entry.bytes)).toEqual([bytes])
  expect(Buffer.compare(owner.slots[0] as Uint8Array, Buffer.from(expected(0, bytes).buffer))).toBe(0)
})

test('a period that is over in the middle of a frame is missed, and counted before the next one', async () => {
  const bytes = 3 << 20
  const { one, owner } = await capturing([1e6], { count: 2, bytes })
  one.driver.advance(1)
  // The first step of the frame; two more follow.
  while (owner.slots[0]?.[16] === 0) one.driver.step()
  one.driver.advance(1)
  one.driver.run()
  one.driver.advance(1)
  one.driver.run()
  const seen = owner.take().map(({ sequence }) => sequence)
  expect(seen[0]).toBe(0)
  expect(seen.length + owner.missed + owner.overruns).toBe((seen.at(-1) as number) + 1 + owner.overruns)
})

test('of each frame only so much is written as was asked for', async () => {
  const { one, asked, owner } = await capturing([0, 0, 1, 32])
  asked.memory.fill(0xa5, PAGE)
  one.driver.run()
  const slot = owner.slots[0] as Uint8Array
  expect(slot.subarray(32).every((byte) => byte === 0xa5)).toBe(true)
  expect(words(slot)[3]).toBe(PAGE)
  expect(owner.take()[0]?.bytes).toBe(PAGE)
})

test('an owner who gives what it does not have fails its share', async () => {
  const { one, owner } = await capturing([0])
  one.driver.run()
  owner.give(1)
  owner.give(1)
  one.device.notify(1)
  one.driver.run()
  expect(one.events.at(-1)).toMatchObject({
    reason: 'failed',
    error: { code: 'ERR_PENDSHARE_FRAMES_CORRUPT' },
  })
})

test('with a period a notification makes no frame', async () => {
  const { one, owner } = await capturing([1e6])
  one.device.notify(1)
  one.driver.run()
  expect(owner.take()).toEqual([])
  one.driver.advance(1)
  one.driver.run()
  expect(owner.take()).toHaveLength(1)
})

test('options out of range are refused', async () => {
  const one = await bench()
  for (const fields of [[49_999], [0, 12], [0, 18], [0, 4100], [0, 0, 0, 15], [0, 0, 0, 0, 0]])
    await expect(share(one, wanted(fields))).rejects.toMatchObject({ code: 'ERR_PENDSHARE_INVALID_ARGUMENT' })
  expect(one.driver.stats.pinnedPages).toBe(0)
})
