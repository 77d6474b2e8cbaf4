/** Frames that are captured: whole, numbered and in order; held and given back in any order; what found no slot is counted. */
import assert from 'node:assert/strict'
import type { Device, Frame, Frames, Share } from '@pendshare/core'
import type { Context } from '../context.ts'
import { room } from '../law.ts'
import { assertCaptured, assertWhole, bounded, lendFrames, next, period } from './frame-steps.ts'
import { FEW_ROUNDS, lend, rejects } from './steps.ts'

const SLOTS = 4

export const frames = room('frames', (law) => {
  for (const [what, bytes, count] of [
    ['16 bytes', 16, 500],
    ['1000 bytes', 1000, 300],
    ['a whole slot', 0, 200],
  ] as const)
    law(
      `${count} frames of ${what}, far more than there are slots, come whole, numbered and in order`,
      ['liveMemory', 'peer capture'],
      async (context) => {
        const device = await context.open()
        const share = await capture(context, device, { bytes: bytes || undefined, count })
        let sequence = 0
        for await (using frame of bounded(context, share.frames)) {
          assertCaptured(frame, sequence++, bytes || device.info.pageSize)
          assert.deepEqual([frame.flags, frame.data.length], [0, device.info.pageSize])
        }
        assert.equal(sequence, count)
        assert.deepEqual([share.frames.overruns, share.frames.missed, share.frames.held], [0, 0, 0])
        const end = await context.within('the end by the peer', share.ended)
        assert.equal(end.reason, 'peer-ended')
        assert.ok(end.bytes > device.info.pageSize, `${end.bytes} bytes were written, and frames came`)
      },
    )

  law(
    'several frames are held at once, stay whole, and are given back in any order',
    ['liveMemory', 'peer capture'],
    async (context) => {
      const device = await context.open()
      const { frames } = await capture(context, device, {}, 8)
      const steps = frames.iterate()
      let order: number[] | undefined
      for (let round = 0; round < FEW_ROUNDS; round++) {
        const held: Frame[] = []
        while (held.length < 8) held.push(await next(context, steps))
        assert.equal(frames.held, 8)
        assert.equal(new Set(held).size, 8, 'a slot came twice')
        for (const [at, frame] of held.entries()) assertCaptured(frame, round * 8 + at, device.info.pageSize)
        // The kernel takes them in the order in which they were given back.
        if (order !== undefined)
          assert.deepEqual(
            held.map(({ slot }) => slot),
            order,
          )
        order = shuffled(held, round).map((frame) => {
          frame.release()
          return frame.slot
        })
      }
      await steps.return(undefined)
    },
  )

  law(
    'a frame that was given back is refused: ERR_PENDSHARE_STALE_FRAME',
    ['liveMemory', 'peer capture'],
    async (context) => {
      const device = await context.open()
      const { frames } = await capture(context, device)
      const steps = frames.iterate()
      const [first, second] = [await next(context, steps), await next(context, steps)]
      first.release()
      second.submit(0)
      for (const frame of [first, second])
        for (const use of [
          () => frame.data,
          () => frame.bytes,
          () => frame.hold(),
          () => frame.release(),
          () => frame.submit(0),
        ])
          await rejects(context, 'a stale frame', 'ERR_PENDSHARE_STALE_FRAME', use)
      await steps.return(undefined)
    },
  )

  law(
    'a frame outlives the block of its `using` when it is held, and only then',
    ['liveMemory', 'peer capture'],
    async (context) => {
      const device = await context.open()
      const { frames } = await capture(context, device)
      let kept: Frame | undefined
      for await (using frame of bounded(context, frames)) {
        if (frame.sequence === 1) kept = frame.hold()
        if (frame.sequence > 3 * SLOTS) break
      }
      assert.equal(frames.held, 1)
      assert.ok(kept)
      assertCaptured(kept, 1, device.info.pageSize)
      kept.release()
      assert.equal(frames.held, 0)
    },
  )

  law(
    'what finds no slot is an overrun: a gap in the numbers, counted exactly',
    ['liveMemory', 'peer capture'],
    async (context) => {
      const device = await context.open()
      const { share, count, steps, held } = await overrun(context, device)
      const { frames } = share
      const last = { sequence: held[2]?.sequence ?? -1, timestampNs: held[2]?.timestampNs ?? 0n }
      for (const frame of held) {
        assertWhole(frame, device.info.pageSize)
        frame.release()
      }
      let seen = 3
      for await (using frame of bounded(context, frames, steps)) {
        assertWhole(frame, device.info.pageSize)
        assert.ok(frame.sequence > last.sequence, `frame ${frame.sequence} after ${last.sequence}`)
        assert.ok(frame.timestampNs >= last.timestampNs, `frame ${frame.sequence} is older than the last`)
        if (seen === 3) assert.ok(frame.sequence >= 6, 'an overrun left no gap')
        const absent = frame.sequence - seen
        const counted = frames.overruns + frames.missed
        assert.ok(
          absent <= counted,
          `${absent} are absent before frame ${frame.sequence}, and ${counted} were counted`,
        )
        last.sequence = frame.sequence
        last.timestampNs = frame.timestampNs
        seen++
      }
      assertAddsUp(frames, seen, count)
      assert.equal((await context.within('the end by the peer', share.ended)).reason, 'peer-ended')
    },
  )

  law(
    'the latest frame is handed out, and those before it are counted',
    ['liveMemory', 'peer capture'],
    async (context) => {
      const device = await context.open()
      for (const periodNs of [0, period(device)]) {
        const count = 50
        const { frames } = await capture(context, device, { periodNs, count })
        let seen = 0
        let last = -1
        for await (using frame of bounded(context, frames, frames.latest())) {
          assertWhole(frame, device.info.pageSize)
          assert.ok(frame.sequence > last, `frame ${frame.sequence} after ${last}`)
          last = frame.sequence
          seen++
        }
        assertAddsUp(frames, seen + frames.skipped, count)
        if (periodNs === 0) assert.deepEqual([last, frames.overruns, frames.missed], [count - 1, 0, 0])
      }
    },
  )

  law(
    'frames come once and in order, whatever way they are taken and left',
    ['liveMemory', 'peer capture'],
    async (context) => {
      const device = await context.open()
      const count = 200
      const share = await capture(context, device, { count })
      const { frames } = share
      let sequence = 0
      const some = async () => {
        for await (using frame of bounded(context, frames)) {
          assertCaptured(frame, sequence++, device.info.pageSize)
          if (sequence % 3 === 0) break
        }
      }
      const polled = async () => {
        let frame: Frame | undefined
        await context.until('a frame that is polled', () => {
          frame = frames.poll()
          return frame !== undefined || share.state === 'ended'
        })
        if (frame === undefined) return
        assertCaptured(frame, sequence++, device.info.pageSize)
        frame.release()
      }
      const chunks = async () => {
        let left = 3
        for await (const chunk of frames.toReadable()) {
          assert.equal(new Uint32Array(chunk.buffer)[0], sequence++, 'a frame is missing, or out of order')
          assert.equal(chunk.length, device.info.pageSize)
          if (--left === 0) break
        }
      }
      const ways = [some, polled, chunks, polled]
      for (let turn = 0; sequence < count; turn++)
        await context.within(`turn ${turn}, after ${sequence} frames`, (ways[turn % 4] ?? some)())
      assert.equal((await context.within('the end by the peer', share.ended)).reason, 'peer-ended')
    },
  )

  law(
    'who left an iteration, or polled in vain, and waits for the doorbell then, gets frames, turn after turn',
    ['liveMemory', 'peer capture'],
    async (context) => {
      const device = await context.open()
      const share = await capture(context, device, { periodNs: period(device) })
      const { frames, doorbell } = share
      for (let turn = 0; turn < FEW_ROUNDS; turn++) {
        const frame = await context.within(`the frame of turn ${turn}`, waited())
        assertWhole(frame, device.info.pageSize)
        frame.release()
        if (turn % 2 === 0) continue
        const steps = frames.iterate()
        ;(await next(context, steps)).release()
        await steps.return(undefined)
      }
      async function waited(): Promise<Frame> {
        for (;;) {
          const frame = frames.poll()
          if (frame !== undefined) return frame
          await doorbell.wait()
        }
      }
    },
  )

  law(
    'frames have one consumer at a time: ERR_PENDSHARE_FRAMES_IN_USE',
    ['liveMemory', 'peer capture'],
    async (context) => {
      const device = await context.open()
      const { frames } = await capture(context, device)
      const steps = frames.iterate()
      const first = await next(context, steps)
      for (const [what, take] of Object.entries({
        'frames.poll()': () => frames.poll(),
        'frames.iterate()': () => frames.iterate().next(),
        'frames.latest()': () => frames.latest().next(),
        'frames.toReadable()': () => frames.toReadable().getReader().read(),
      }))
        await rejects(context, what, 'ERR_PENDSHARE_FRAMES_IN_USE', take)
      assertCaptured(first, 0, device.info.pageSize)
      await steps.return(undefined)
      assertCaptured(await next(context, frames.iterate()), 1, device.info.pageSize)
    },
  )

  law(
    'there is nothing to acquire of frames that are captured: ERR_PENDSHARE_WRONG_DIRECTION',
    ['liveMemory', 'peer capture'],
    async (context) => {
      const { frames } = await capture(context, await context.open())
      assert.equal(frames.direction, 'capture')
      const wrong = 'ERR_PENDSHARE_WRONG_DIRECTION'
      await rejects(context, 'frames.acquire()', wrong, () => frames.acquire())
      await rejects(context, 'frames.tryAcquire()', wrong, () => frames.tryAcquire())
      await rejects(context, 'frames.toWritable()', wrong, () => frames.toWritable())
    },
  )

  law(
    'a share that was not asked for with frames has none: ERR_PENDSHARE_NO_FRAMES',
    ['peer fill'],
    async (context) => {
      const device = await context.open()
      for (const share of [await lend(context, device, 4), await lend(context, device, 4, { peer: 'fill' })])
        await rejects(context, 'share.frames', 'ERR_PENDSHARE_NO_FRAMES', () => share.frames)
    },
  )
})

function capture(context: Context, device: Device, peerOptions: object = {}, count = SLOTS): Promise<Share> {
  return lendFrames(context, device, { peer: 'capture', count, peerOptions })
}

/**
 * Holds the three slots of a capture until at least three frames found none. On a slow machine a timer may be so late that
 * all of them are missed, and none is overrun: then there are to be more.
 */
async function overrun(context: Context, device: Device) {
  for (let count = 60; count < 100_000; count *= 4) {
    const share = await capture(context, device, { periodNs: period(device), count }, 3)
    const steps = share.frames.iterate()
    const held: Frame[] = []
    while (held.length < 3) {
      const step = await context.within('a frame, or the end of them', steps.next())
      if (step.done) break
      held.push(step.value)
    }
    await context.until(
      'three overruns, or the end',
      () => share.frames.overruns >= 3 || share.state === 'ended',
    )
    if (held.length === 3 && share.frames.overruns >= 3) return { share, count, steps, held }
    await steps.return(undefined)
  }
  assert.fail('no timer is in time for three frames')
}

/** Of a capture that has ended after `count` numbers: a timer that comes late may go past it. */
function assertAddsUp({ overruns, missed }: Frames, came: number, count: number): void {
  const what = `${came} frames came, ${overruns} were overrun and ${missed} missed, of ${count}`
  assert.ok(came + overruns + missed >= count && came + overruns <= count, what)
}

/** In an order that the round determines. */
function shuffled<T>(of: readonly T[], round: number): T[] {
  const rest = [...of]
  const order: T[] = []
  while (rest.length > 0) order.push(...rest.splice((round * 7 + rest.length * 3) % rest.length, 1))
  return order
}
