/** A hostile kernel against the owner's side in JavaScript: header and queue hold anything, at every step anew or at any time. */
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { it } from 'vitest'
import { PendshareError } from '../../src/errors.ts'
import type { Frame } from '../../src/frames/frame.ts'
import { Frames, type FramesBell } from '../../src/frames/frames.ts'
import { TO_USER } from '../../src/frames/layout.ts'
import { Kernel } from './driver.ts'

const COUNT = 3
const BYTES = 16
const bell: FramesBell = { ended: false, listen: () => () => {}, notify: () => {} }

/** What `take` gives, unless the frames are corrupt; any other error is one too many. */
function attempt(take: () => Frame | undefined): Frame | undefined {
  try {
    return take()
  } catch (error) {
    if (error instanceof PendshareError && error.code === 'ERR_PENDSHARE_FRAMES_CORRUPT') return undefined
    throw error
  }
}

/** Whatever was written, a frame is a slot that is the program's alone, and no longer than that. */
function check({ slot, data, bytes, sequence, flags }: Frame, inHand: ReadonlyMap<number, Frame>): void {
  assert(slot >= 0 && slot < COUNT)
  assert(!inHand.has(slot), `slot ${slot} is in hand already`)
  assert.equal(data.length, BYTES)
  assert(bytes >= 0 && bytes <= BYTES, `${bytes} bytes`)
  assert(Number.isInteger(sequence) && sequence >= 0)
  assert.equal(flags & 0xffff, 0)
}

const word = fc.oneof(fc.nat(COUNT), fc.constantFrom(1, BYTES, BYTES + 1, 0xffff_ffff, 0x8000_0000))
const write = fc.oneof(
  { weight: 2, arbitrary: fc.record({ where: fc.constant('position' as const), value: fc.nat(4) }) },
  fc.record({ where: fc.constant('queue' as const), at: fc.nat(COUNT * 8 + 7), value: word }),
  fc.record({ where: fc.constant('header' as const), at: fc.nat(127), value: word }),
)
const call = fc.record({
  call: fc.constantFrom('poll', 'acquire', 'release', 'submit'),
  which: fc.nat(COUNT),
})

it('hands out only slots that the kernel can give, whatever it writes between two calls', () => {
  const steps = fc.array(fc.oneof(write, call), { maxLength: 60 })
  fc.assert(
    fc.property(fc.boolean(), steps, (playback, played) => {
      const { memory, header, toUser } = new Kernel({ count: COUNT, bytes: BYTES, playback })
      const frames = new Frames(memory, bell)
      const inHand = new Map<number, Frame>()
      for (const step of played) {
        if ('where' in step) {
          if (step.where === 'position') header[TO_USER] = (header[TO_USER] ?? 0) + step.value - 1
          else (step.where === 'queue' ? toUser : header)[step.at] = step.value
          continue
        }
        const given = inHand.get(step.which)
        if (step.call === 'release' || step.call === 'submit') {
          if (given === undefined) continue
          inHand.delete(step.which)
          if (step.call === 'release') given.release()
          else given.submit(BYTES)
          continue
        }
        if (step.call === 'acquire' && !playback) continue
        const frame = attempt(() => (step.call === 'poll' ? frames.poll() : frames.tryAcquire()))
        if (frame === undefined) continue
        check(frame, inHand)
        inHand.set(frame.slot, frame)
      }
      assert(frames.held >= inHand.size && frames.held <= COUNT)
    }),
    { numRuns: 2000 },
  )
})

/** Keeps changing slots, lengths and flags of the queue, and its position, until it is ended. */
const scribbler = `
  const { workerData: words } = require('node:worker_threads')
  for (let n = 0; ; n++) {
    words[${TO_USER}] = words[33] + n % 3
    words[128 + n % 32] = n % 5 === 0 ? ${BYTES + 1} : n % 7 === 0 ? -1 : n % 3
  }`

it('hands out no frame that is longer than its slot, while the kernel writes', async () => {
  const { memory } = new Kernel({ count: COUNT, bytes: BYTES, playback: false })
  const frames = new Frames(memory, bell)
  const worker = new Worker(scribbler, { eval: true, workerData: new Int32Array(memory.buffer) })
  try {
    let seen = 0
    while (seen < 2000) {
      for (let n = 0; n < 1000; n++) {
        const frame = attempt(() => frames.poll())
        if (frame === undefined) continue
        seen++
        check(frame, new Map())
        frame.release()
      }
      await setImmediate()
    }
  } finally {
    await worker.terminate()
  }
})
