/**
 * A program that prints what frames allocate in JavaScript, as one JSON object: bytes a frame, for each way. Runs by itself, for the numbers are
 * of the whole process; heap.test.ts does.
 */
import { getHeapStatistics } from 'node:v8'
import { Frames, type FramesBell } from '../../src/frames/frames.ts'
import { Kernel } from './driver.ts'

const WARM_UP = 200_000
const FRAMES = 100_000
const TRIES = 3
const COUNT = 8

const bell: FramesBell = { ended: false, listen: () => () => {}, notify: () => {} }
const collect = globalThis.gc ?? (() => {})

let sum = 0

function capture(read: (frames: Frames) => void): (number: number) => void {
  const kernel = new Kernel({ count: COUNT, bytes: 64, playback: false })
  const frames = new Frames(kernel.memory, bell)
  return (number) => {
    for (let n = 0; n < number; n++) {
      kernel.give(kernel.take(), n % 64)
      kernel.publish()
      read(frames)
    }
  }
}

function poll(frames: Frames): void {
  const frame = frames.poll()
  if (frame === undefined) throw new Error('no frame')
  sum ^= frame.bytes + frame.sequence + frame.flags + (frame.data[0] ?? 0)
  frame.release()
}

/** What it looks like when a frame does allocate: a BigInt. */
function pollWithTime(frames: Frames): void {
  const frame = frames.poll()
  if (frame === undefined) throw new Error('no frame')
  sum ^= Number(frame.timestampNs)
  frame.release()
}

function playback(): (number: number) => void {
  const kernel = new Kernel({ count: COUNT, bytes: 64, playback: true })
  const frames = new Frames(kernel.memory, bell)
  return (number) => {
    for (let n = 0; n < number; n++) {
      const frame = frames.tryAcquire()
      if (frame === undefined) throw new Error('no slot')
      frame.data[0] = n
      frame.submit(n % 64)
      kernel.giveBack(kernel.take())
      kernel.publish()
    }
  }
}

/** The least of some tries, as the engine allocates for itself besides. No collection runs within one: the test gives new objects the room. */
function bytesPerFrame(run: (number: number) => void): number {
  run(WARM_UP)
  const tries = Array.from({ length: TRIES }, () => {
    collect()
    const before = getHeapStatistics().used_heap_size
    run(FRAMES)
    return (getHeapStatistics().used_heap_size - before) / FRAMES
  })
  return Math.min(...tries)
}

const ways = { captured: capture(poll), played: playback(), timed: capture(pollWithTime) }
console.log(
  JSON.stringify(Object.fromEntries(Object.entries(ways).map(([way, run]) => [way, bytesPerFrame(run)]))),
)
// What is computed has to be for something.
process.exitCode = Number.isInteger(sum) ? 0 : 1
