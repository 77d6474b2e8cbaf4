import { RingReader } from '@pendshare/core'
import { expect, test } from 'vitest'
import { clock } from '../../src/peers/clock.ts'
import { Inbound } from '../../src/peers/inbound.ts'
import { bench, options, request, share } from '../harness.ts'
import { lateDriver } from '../late.ts'
import { drain, u64 } from './records.ts'

test('a record {tick, time} comes every period, and the first rings the sleeping reader', async () => {
  const one = await bench()
  const wanted = request(1, { peer: 'clock', pages: 2, peerOptions: options(1e6, 24) })
  await share(one, wanted)
  const ring = new Inbound(wanted.memory)
  one.driver.advance(3.5)
  one.driver.run()
  const records = drain(ring)
  expect(records.map(({ payload }) => [payload.length, u64(payload, 0), u64(payload, 1)])).toEqual([
    [24, 1, 1e6],
    [24, 2, 2e6],
    [24, 3, 3e6],
  ])
  expect(one.events).toEqual([{ id: 1, kind: 'doorbell', count: 1 }])
})

test('it ends after its ticks, and counts the ring as written', async () => {
  const one = await bench()
  await share(one, request(1, { peer: 'clock', pages: 2, peerOptions: options(50_000, 0, 5) }))
  one.driver.advance(1)
  one.driver.run()
  expect(one.events.at(-1)).toEqual({ id: 1, kind: 'end', reason: 'peer-ended', bytes: 4096 + 5 * 24 })
})

test('a full ring drops records and goes on counting', async () => {
  const one = await bench()
  const wanted = request(1, { peer: 'clock', pages: 2, peerOptions: options(50_000) })
  await share(one, wanted)
  const ring = new Inbound(wanted.memory)
  one.driver.advance(50)
  one.driver.run()
  const before = drain(ring)
  expect(before).toHaveLength(Math.floor(4096 / 24))
  one.driver.advance(0.05)
  one.driver.run()
  expect(drain(ring).map(({ payload }) => u64(payload, 0))).toEqual([1001])
  one.device.end(1, 'release')
  one.driver.run()
  expect(one.events.at(-1)).toMatchObject({ kind: 'end', bytes: 8192 })
})

test('ticks that are served in time, however many at once, are not missed', async () => {
  const one = await bench()
  const wanted = request(1, { peer: 'clock', pages: 2, peerOptions: options(1e6) })
  await share(one, wanted)
  one.driver.advance(20)
  one.driver.run()
  expect(drain(new Inbound(wanted.memory))).toHaveLength(20)
  expect(counts(wanted.memory)).toEqual({ missed: 0, dropped: 0 })
})

test('in runs, what comes while the program is busy waits for it, and the last for nothing', async () => {
  const one = await bench()
  const wanted = request(1, { peer: 'clock', pages: 2, peerOptions: options(1e6, 0, 9, 1) })
  await share(one, wanted)
  // It never sleeps: it finds that all has ended.
  const reader = new RingReader(wanted.memory, { ended: true, listen: () => () => {} })
  const seen: number[][] = []
  const look = async () => {
    for await (const batch of reader.samples(BigUint64Array))
      batch.forEachRun((start, count, stride) => {
        seen.push(Array.from({ length: count }, (_, at) => Number(batch.samples[start + at * stride])))
      })
  }
  const tick = (times: number) => {
    for (let i = 0; i < times; i++) {
      one.driver.advance(1)
      one.driver.run()
    }
  }
  tick(1) // a fresh ring counts as asleep
  tick(3) // it has not looked yet: these wait
  await look()
  expect(seen).toEqual([[1]])
  tick(1)
  await look()
  expect(seen).toEqual([[1], [2, 3, 4, 5]])
  tick(4) // the program has caught up, so the first comes at once; the last is published in any case
  await look()
  expect(seen).toEqual([[1], [2, 3, 4, 5], [6], [7, 8, 9]])
})

test('late and lost are two counts, and each is a gap in the tick number', () => {
  const wanted = request(1, { peer: 'clock', pages: 2, peerOptions: options(1e9, 2040) })
  const timer = lateDriver(clock, wanted)
  const ring = new Inbound(wanted.memory)
  timer.expire(1e9)
  timer.expire(6e9) // due at 2e9
  expect(counts(wanted.memory)).toEqual({ missed: 4, dropped: 0 })
  timer.expire(7e9)
  expect(counts(wanted.memory)).toEqual({ missed: 4, dropped: 1 })
  expect(drain(ring).map(({ payload }) => u64(payload, 0))).toEqual([1, 6])
  timer.expire(8e9)
  expect(drain(ring).map(({ payload }) => u64(payload, 0))).toEqual([8])
})

function counts(memory: Uint8Array) {
  const { missed, dropped } = new RingReader(memory, { ended: true, listen: () => () => {} })
  return { missed, dropped }
}

test('options and lengths out of range are refused', async () => {
  const one = await bench()
  for (const [pages, ...fields] of [
    [2],
    [2, 49_999],
    [2, 1e6, 15],
    [2, 1e6, 4097],
    [2, 1e6, 2048],
    [2, 1e6, 0, 0, 2],
    [2, 1e6, 0, 0, 0, 0],
    [1, 1e6],
  ]) {
    await expect(
      share(one, request(1, { peer: 'clock', pages: pages ?? 1, peerOptions: options(...fields) })),
    ).rejects.toMatchObject({ code: 'ERR_PENDSHARE_INVALID_ARGUMENT' })
  }
})
