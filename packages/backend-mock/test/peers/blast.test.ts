import { RingReader } from '@pendshare/core'
import { expect, test } from 'vitest'
import { Inbound } from '../../src/peers/inbound.ts'
import { bench, options, request, share } from '../harness.ts'
import { drain, u64 } from './records.ts'

test('it fills the ring, waits for room, drops nothing, and ends after its count', async () => {
  const one = await bench()
  const count = 5000
  const wanted = request(1, { peer: 'blast', pages: 3, peerOptions: options(100, count) })
  await share(one, wanted)
  const ring = new Inbound(wanted.memory)
  const indices: number[] = []
  for (let turn = 0; one.events.at(-1)?.kind !== 'end'; turn++) {
    expect(turn).toBeLessThan(1000)
    one.driver.advance(1)
    one.driver.run()
    for (const { payload } of drain(ring)) {
      const index = u64(payload, 0)
      expect(payload.subarray(8).every((byte) => byte === (index & 255))).toBe(true)
      indices.push(index)
    }
  }
  expect(indices).toEqual(Array.from({ length: count }, (_, index) => index))
  expect(one.events.at(-1)).toEqual({ id: 1, kind: 'end', reason: 'peer-ended', bytes: 4096 + 8192 })
})

test('in runs, also of records that are too long for one, it fills the ring and ends after its count', async () => {
  for (const payload of [11, 2032, 2033, 2040]) {
    const one = await bench()
    const wanted = request(1, { peer: 'blast', pages: 2, peerOptions: options(payload, 50, 1) })
    await share(one, wanted)
    const reader = new RingReader(wanted.memory, { ended: true, listen: () => () => {} })
    const indices: number[] = []
    let pieces = 0
    for (let turn = 0; indices.length < 50; turn++) {
      expect(turn).toBeLessThan(1000)
      one.driver.advance(1)
      one.driver.run()
      for await (const batch of reader.batches()) {
        batch.forEachRun(() => {
          pieces++
        })
        batch.forEach((offset, length) => {
          expect(length).toBe(payload)
          indices.push(
            Number(new DataView(batch.bytes.slice(offset, offset + 8).buffer).getBigUint64(0, true)),
          )
        })
      }
    }
    expect(indices).toEqual(Array.from({ length: 50 }, (_, index) => index))
    if (payload < 2032) expect(pieces).toBeLessThan(5)
    one.driver.advance(1)
    one.driver.run()
    expect(one.events.at(-1)).toMatchObject({ kind: 'end', reason: 'peer-ended' })
  }
})

test('with nobody reading it waits for time to pass', async () => {
  const one = await bench()
  await share(one, request(1, { peer: 'blast', pages: 64 }))
  one.driver.run()
  expect(one.driver.ready).toEqual([])
  one.driver.advance(5)
  one.driver.run()
  expect(one.events).toEqual([{ id: 1, kind: 'doorbell', count: 1 }])
})

test('options and lengths out of range are refused', async () => {
  const one = await bench()
  for (const [pages, ...fields] of [
    [1],
    [2, 7],
    [1024, (1 << 20) + 1],
    [2, 2048],
    [2, 8, 0, 2],
    [2, 8, 0, 0, 0],
  ]) {
    await expect(
      share(one, request(1, { peer: 'blast', pages: pages ?? 1, peerOptions: options(...fields) })),
    ).rejects.toMatchObject({ code: 'ERR_PENDSHARE_INVALID_ARGUMENT' })
  }
})
