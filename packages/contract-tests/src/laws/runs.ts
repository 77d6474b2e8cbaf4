/** Runs: to whoever reads a ring, samples that come together are what they are one by one, in fewer pieces. */
import assert from 'node:assert/strict'
import { room } from '../law.ts'
import { batchesOf, lend } from './steps.ts'

export const runs = room('ring', (law) => {
  for (const [payload, count] of [
    [8, 5000],
    [13, 3000],
    [1000, 300],
  ] as const)
    law(
      `${count} samples of ${payload} bytes come whole and in order, many to a run`,
      ['liveMemory', 'peer blast'],
      async (context) => {
        const device = await context.open()
        const peerOptions = { payload, count, runs: true }
        const share = await lend(context, device, 4, { peer: 'blast', peerOptions })
        let next = 0
        let pieces = 0
        for await (const batch of batchesOf(context, share)) {
          const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength)
          const offsets: number[] = []
          batch.forEachRun((offset, samples, stride) => {
            assert.equal(stride, payload)
            for (let at = 0; at < samples; at++) offsets.push(offset + at * stride)
            pieces++
          })
          let walked = 0
          batch.forEach((offset, length) => {
            assert.deepEqual([offset, length], [offsets[walked++], payload])
            assert.equal(view.getBigUint64(offset, true), BigInt(next), 'a sample is missing or doubled')
            for (let at = 8; at < length; at++)
              if (batch.bytes[offset + at] !== (next & 0xff))
                assert.fail(`byte ${at} of sample ${next} is wrong`)
            next++
          })
          assert.equal(walked, offsets.length)
          assert.equal(batch.records, walked)
        }
        assert.equal(next, count)
        assert.ok(pieces <= count / 2, `${pieces} pieces of ${count} samples`)
        assert.equal(share.ring.dropped, 0)
        assert.equal((await context.within('the end by the peer', share.ended)).reason, 'peer-ended')
      },
    )

  law(
    'samples that are taken from a run do not come again, and the others do',
    ['liveMemory', 'peer blast'],
    async (context) => {
      const device = await context.open()
      const count = 2000
      const peerOptions = { payload: 24, count, runs: true }
      const share = await lend(context, device, 4, { peer: 'blast', peerOptions })
      const seen: bigint[] = []
      while (seen.length < count) {
        for await (const batch of batchesOf(context, share)) {
          const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength)
          let left = 1 + (seen.length % 90)
          batch.take((offset) => {
            seen.push(view.getBigUint64(offset, true))
            return --left > 0
          })
          break
        }
      }
      assert.deepEqual(
        seen,
        Array.from({ length: count }, (_, index) => BigInt(index)),
      )
      assert.equal((await context.within('the end by the peer', share.ended)).reason, 'peer-ended')
    },
  )

  law(
    'a clock in runs ticks in order to its last tick, whether the program is busy or waits',
    ['liveMemory', 'peer clock'],
    async (context) => {
      const device = await context.open()
      const periodNs = Math.max(device.info.minPeriodNs, 200_000)
      const ticks = 100
      const share = await lend(context, device, 4, {
        peer: 'clock',
        peerOptions: { periodNs, ticks, payload: 16, runs: true },
      })
      const { ring } = share
      let last = 0
      let records = 0
      for await (const batch of batchesOf(context, share)) {
        const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength)
        batch.forEach((offset) => {
          const tick = Number(view.getBigUint64(offset, true))
          assert.ok(tick > last, `tick ${tick} after ${last}`)
          last = tick
          records++
        })
        // Busy for some batches: what comes meanwhile is not published record by record.
        if (records % 3 === 0) for (const end = performance.now() + 1; performance.now() < end; );
      }
      assert.ok(last >= ticks, `the last tick is ${last} of ${ticks}`)
      assert.equal(ring.dropped, 0)
      assert.equal(last, records + ring.missed)
    },
  )
})
