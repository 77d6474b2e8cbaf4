/** Rings as streams of records: whoever leaves one leaves it whole, and whoever comes next reads on. */
import assert from 'node:assert/strict'
import type { Batch, Device, Share } from '@pendshare/core'
import type { Context } from '../context.ts'
import { room } from '../law.ts'
import { lend, rejects } from './steps.ts'

const RECORDS = 2000

export const streams = room('ring', (law) => {
  law(
    'a ring that was left rings again: who waits for the doorbell then gets records, turn after turn',
    ['liveMemory', 'peer clock'],
    async (context) => {
      const device = await context.open()
      const periodNs = Math.max(device.info.minPeriodNs, 1_000_000)
      const share = await lend(context, device, 4, { peer: 'clock', peerOptions: { periodNs } })
      for (let turn = 0; turn < 10; turn++) {
        await context.within(`the ring before turn ${turn}`, share.doorbell.wait())
        const steps = share.ring.batches()
        const { value } = await context.within(`the batch of turn ${turn}`, steps.next())
        assert.ok(value !== undefined && value.records > 0)
        // What comes while the reader is there rings nobody.
        const before = produced(share)
        if (turn % 2 === 0) await context.until('a record during the turn', () => produced(share) !== before)
        await steps.return(undefined)
      }
    },
  )

  law(
    'an iteration that waits can be left at once: return() and next() are done',
    ['liveMemory', 'peer echo'],
    async (context) => {
      const device = await context.open()
      const share = await lend(context, device, 4, { peer: 'echo' })
      const ways = {
        'doorbell.rings()': () => share.doorbell.rings(),
        'ring.batches()': () => share.ring.batches(),
        'ring.samples()': () => share.ring.samples(Uint8Array),
        'ring.latest()': () => share.ring.latest(),
        'ring.latestSamples()': () => share.ring.latestSamples(Uint8Array),
      }
      for (const [what, iterate] of Object.entries(ways)) {
        const steps = iterate()
        const waiting = steps.next()
        const left = steps.return(undefined)
        const answers = await context.within(`leaving ${what}`, Promise.all([waiting, left]))
        assert.deepEqual(
          answers.map(({ done }) => done),
          [true, true],
          what,
        )
      }
      const stream = share.ring.toReadable().getReader()
      const reading = stream.read()
      await context.within('cancelling a stream', stream.cancel())
      assert.equal((await context.within('the read of a stream that was cancelled', reading)).done, true)
    },
  )

  law(
    'records come once and in order, whatever way they are read, taken and left',
    ['liveMemory', 'peer blast'],
    async (context) => {
      const { share, device } = await blast(context)
      const { ring } = share
      let next = 0
      const see = (bytes: Uint8Array, offset: number) => {
        const number = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(offset, true)
        assert.equal(number, BigInt(next), 'a record is missing, doubled or out of order')
        next++
      }
      const take = (batch: Batch, most: number) => {
        let left = most
        batch.take((offset) => {
          see(batch.bytes, offset)
          return --left > 0
        })
      }
      const some = async () => {
        for await (const batch of ring.batches()) {
          take(batch, 3)
          if (next % 2 === 0) break
        }
      }
      const all = async () => {
        for await (const batch of ring.batches()) {
          take(batch, RECORDS)
          break
        }
      }
      const failing = async () => {
        for await (const batch of ring.batches()) {
          take(batch, 2)
          const fail = () => {
            throw new Error('of the callback')
          }
          if (next < RECORDS && batch.records > 2) assert.throws(() => batch.take(fail), /of the callback/)
          break
        }
      }
      const chunks = async (highWaterMark: number) => {
        let left = 5
        for await (const chunk of ring.toReadable({ highWaterMark })) {
          see(chunk, 0)
          if (--left === 0) break
        }
      }
      const ways = [some, all, failing, () => chunks(0), () => chunks(1000)]
      for (let turn = 0; next < RECORDS; turn++) {
        const way = ways[turn % ways.length] ?? all
        await context.within(`turn ${turn}, after ${next} records`, way())
      }
      assert.equal(ring.dropped, 0)
      assert.equal((await context.within('the end by the peer', share.ended)).reason, 'peer-ended')
      assert.equal(device.stats().pinnedPages, 0)
    },
  )

  law(
    'the latest record is handed out, and the ones before it are counted',
    ['liveMemory', 'peer blast'],
    async (context) => {
      const { share } = await blast(context)
      let last = -1
      let seen = 0
      const { ring } = share
      const reading = (async () => {
        for await (const batch of ring.latestSamples(BigUint64Array)) {
          assert.equal(batch.records, 1)
          batch.forEach((start) => {
            const number = Number(batch.samples[start])
            assert.ok(number > last, `record ${number} after ${last}`)
            last = number
            seen++
          })
        }
      })()
      await context.within('the end of the records', reading)
      assert.deepEqual([last, seen + ring.skipped, ring.dropped], [RECORDS - 1, RECORDS, 0])
    },
  )

  law(
    'what was dropped is told by the batch that comes after it, exactly and once',
    ['liveMemory', 'peer clock'],
    async (context) => {
      const device = await context.open()
      const periodNs = Math.max(device.info.minPeriodNs, 500_000)
      const share = await lend(context, device, 4, {
        peer: 'clock',
        peerOptions: { periodNs, payload: 2000 },
      })
      const { ring } = share
      let last = 0n
      let told = 0
      for (let round = 0; round < 5; round++) {
        const before = ring.dropped
        await context.until('three drops', () => ring.dropped >= before + 3)
        const steps = ring.samples(BigUint64Array)
        // Among what lies there, or the first that comes when there is room again.
        for (let dropped = 0; dropped === 0; told += dropped) {
          const { value: batch } = await context.within(`a batch of round ${round}`, steps.next())
          assert.ok(batch)
          dropped = batch.dropped
          let before = BigInt(dropped)
          batch.forEach((start) => {
            const tick = batch.samples[start] ?? 0n
            const absent = tick - last - 1n - before
            assert.ok(absent >= 0n, `${tick} after ${last}, and ${before} were told as dropped`)
            assert.ok(
              absent <= ring.missed,
              `${absent} are absent before tick ${tick}, ${ring.missed} were missed`,
            )
            last = tick
            before = 0n
          })
        }
        await steps.return(undefined)
        assert.ok(told <= ring.dropped, `${told} of ${ring.dropped} drops were told`)
      }
    },
  )

  law(
    'a batch that was given back is refused: ERR_PENDSHARE_STALE_BATCH',
    ['liveMemory', 'peer blast'],
    async (context) => {
      const { share } = await blast(context)
      const steps = share.ring.batches()
      const first = (await context.within('the first batch', steps.next())).value
      assert.ok(first)
      await context.within('the second batch', steps.next())
      await rejects(context, 'a stale batch', 'ERR_PENDSHARE_STALE_BATCH', () => first.forEach(() => {}))
      await rejects(context, 'a stale batch', 'ERR_PENDSHARE_STALE_BATCH', () => first.records)
      await steps.return(undefined)
    },
  )
})

/** The producer's position, as it stands in the header of the ring. */
function produced({ memory }: Share): number {
  return Atomics.load(new Int32Array(memory.buffer, memory.byteOffset, 17), 16)
}

/** A blast of numbered records, many times what its ring holds. */
async function blast(context: Context): Promise<{ device: Device; share: Share }> {
  const device = await context.open()
  const peerOptions = { payload: 8, count: RECORDS }
  return { device, share: await lend(context, device, 4, { peer: 'blast', peerOptions }) }
}
