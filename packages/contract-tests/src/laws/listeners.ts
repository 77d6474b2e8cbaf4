/** Listeners: called for everything before the end is told, in its order, and never after they were taken away. */
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { Batch, Device, SampleBatch, Share } from '@pendshare/core'
import type { Context } from '../context.ts'
import { room } from '../law.ts'
import { assertWhole, lendFrames, period } from './frame-steps.ts'
import { busyFill, FEW_ROUNDS, lend, MANY_ROUNDS } from './steps.ts'

type Samples = SampleBatch<BigUint64Array>

const RECORDS = 2000
const NUMBERS = Array.from({ length: RECORDS }, (_, at) => BigInt(at))
const COUNT = 200
const SLOTS = 4

/** Waits for the end; fails unless `heard()` is the same then as a turn of the event loop later. */
async function last(context: Context, share: Share, heard: () => number): Promise<number> {
  let atEnd: number | undefined
  const noted = share.ended.then(() => {
    atEnd = heard()
  })
  await context.within('the end by the peer', noted)
  await setImmediate()
  assert.equal(heard(), atEnd, 'a listener was called after the end was told')
  return heard()
}

const rings = room('doorbell', (law) => {
  law('listeners hear every ring, and hear it before the end is told', ['peer fill'], async (context) => {
    const device = await context.open()
    for (const rounds of [1, MANY_ROUNDS]) {
      const share = await lend(context, device, 1, busyFill(device, rounds))
      const sums = [0, 0]
      const listenings = [0, 1].map((at) =>
        share.doorbell.listen((count) => {
          sums[at] = (sums[at] as number) + count
        }),
      )
      const few = share.doorbell.listen(() => few[Symbol.dispose]())
      assert.equal(await last(context, share, () => sums[0] as number), rounds, 'rings were lost or invented')
      assert.deepEqual(sums, [rounds, rounds])
      for (const { done } of [...listenings, few]) await context.within('the end of a listener', done)
    }
  })

  law('what a listener throws ends nothing', ['peer fill'], async (context) => {
    const device = await context.open()
    const share = await lend(context, device, 1, busyFill(device, FEW_ROUNDS))
    const uncaught: unknown[] = []
    let [calls, heard] = [0, 0]
    process.setUncaughtExceptionCaptureCallback((error) => uncaught.push(error))
    try {
      share.doorbell.listen(() => {
        throw new Error(`thrown by call ${++calls}`)
      })
      share.doorbell.listen((count) => {
        heard += count
      })
      await last(context, share, () => heard)
    } finally {
      process.setUncaughtExceptionCaptureCallback(null)
    }
    assert.equal(heard, FEW_ROUNDS, 'another listener missed rings')
    assert.ok(calls > 0 && uncaught.length === calls, `${uncaught.length} of ${calls} errors were uncaught`)
    const next = await lend(context, device, 1, busyFill(device, 1))
    assert.equal((await context.within('the end of the next share', next.ended)).reason, 'peer-ended')
  })

  law('a listener may end the share that it is called for', ['peer fill'], async (context) => {
    const device = await context.open()
    for (const [how, reason] of [
      ['release', 'released'],
      ['cancel', 'cancelled'],
    ] as const) {
      const share = await lend(context, device, 1, busyFill(device))
      let calls = 0
      share.doorbell.listen(() => {
        if (++calls === 3) share[how]()
      })
      await last(context, share, () => calls)
      assert.equal((await share.ended).reason, reason)
      assert.ok(calls >= 3)
    }
    assert.equal(device.stats().pinnedPages, 0)
  })
})

const records = room('ring', (law) => {
  law(
    'a listener has every record in order, and has it before the end is told',
    ['liveMemory', 'peer blast'],
    async (context) => {
      const device = await context.open()
      for (const form of ['listen', 'listenSamples'] as const) {
        const share = await blast(context, device)
        const { ring } = share
        const heard: bigint[] = []
        const view = new DataView(ring.bytes.buffer, ring.bytes.byteOffset, ring.bytes.length)
        const bytes = (batch: Batch) => batch.forEach((at) => void heard.push(view.getBigUint64(at, true)))
        const samples = (batch: Samples) =>
          batch.forEach((at) => void heard.push(batch.samples[at] as bigint))
        const { done } = form === 'listen' ? ring.listen(bytes) : ring.listenSamples(BigUint64Array, samples)
        await last(context, share, () => heard.length)
        assert.deepEqual(heard, NUMBERS, 'a record is missing or doubled, or was heard after the end')
        await context.within('the end of the listener', done)
      }
    },
  )

  law(
    'what a listener did not take is there for the next consumer',
    ['liveMemory', 'peer blast'],
    async (context) => {
      const { ring } = await blast(context, await context.open())
      const heard: bigint[] = []
      while (heard.length < RECORDS) {
        const until = heard.length + 7
        const listening = ring.listenSamples(BigUint64Array, (batch) => {
          batch.take((at) => heard.push(batch.samples[at] as bigint) < until)
          if (heard.length >= until) listening[Symbol.dispose]()
        })
        await context.within(`the listener, after ${heard.length} records`, listening.done)
        for await (const batch of ring.samples(BigUint64Array)) {
          batch.forEach((at) => void heard.push(batch.samples[at] as bigint))
          break
        }
      }
      assert.deepEqual(heard, NUMBERS, 'a record is missing or doubled')
    },
  )
})

function blast(context: Context, device: Device): Promise<Share> {
  return lend(context, device, 4, { peer: 'blast', peerOptions: { payload: 8, count: RECORDS } })
}

const slots = room('frames', (law) => {
  law(
    'a listener has every frame in order, and has it before the end is told; it goes back unless it is held',
    ['liveMemory', 'peer capture'],
    async (context) => {
      const device = await context.open()
      for (const periodNs of [0, period(device)]) {
        const peerOptions = { count: COUNT, periodNs }
        const share = await lendFrames(context, device, { peer: 'capture', count: SLOTS, peerOptions })
        const { frames } = share
        let [heard, sequence] = [0, -1]
        let wrong: unknown
        const { done } = frames.listen((frame) => {
          try {
            assertWhole(frame, device.info.pageSize)
            assert.ok(frame.sequence > sequence, `frame ${frame.sequence} after ${sequence}`)
          } catch (error) {
            wrong ??= error
          }
          sequence = frame.sequence
          if (heard++ === 1) frame.hold()
        })
        await last(context, share, () => heard)
        if (wrong !== undefined) throw wrong
        const told = `${heard} frames came, ${frames.overruns} were overrun and ${frames.missed} missed`
        assert.ok(heard + frames.overruns + frames.missed >= COUNT && heard <= COUNT, told)
        if (periodNs === 0) assert.equal(heard, COUNT, told)
        assert.equal(frames.held, heard > 1 ? 1 : 0)
        await context.within('the end of the listener', done)
      }
    },
  )
})

export const listeners = [...rings, ...records, ...slots]
