/** What the tests of frames share: frames in memory, a bell that the test rings, and the kernel's side, which checks nothing. */
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { PendshareError } from '../../src/errors.ts'
import { Frames, type FramesBell } from '../../src/frames/frames.ts'
import {
  ENTRY_WORDS,
  FRAME_EMPTY,
  type FramesLayout,
  formatFrames,
  framesLength,
  KERNEL_WAKE,
  MISSED,
  OVERRUNS,
  readLayout,
  TAKEN,
  TO_KERNEL,
  TO_USER,
  USER_WAKE,
} from '../../src/frames/layout.ts'
import { TestBell } from '../ring/ring.ts'

export const BYTES = 4096

export interface Given {
  readonly slot: number
  readonly bytes: number
  readonly timestampNs: bigint
  readonly flags: number
}

export class Kernel {
  readonly layout: FramesLayout
  readonly #bell: TestBell
  #given: number
  #taken: number
  #sequence = 0

  constructor(memory: Uint8Array, bell: TestBell, start: number) {
    this.layout = readLayout(memory)
    this.#bell = bell
    this.#given = this.layout.header[TO_USER] as number
    this.#taken = start
  }

  /** What the program has given first. */
  take(): Given | undefined {
    const { header, toKernel } = this.layout
    if (Atomics.load(header, TO_KERNEL) === this.#taken) return undefined
    const at = entry(this.#taken, toKernel)
    this.#taken = (this.#taken + 1) | 0
    const words = Uint32Array.from(toKernel.subarray(at, at + ENTRY_WORDS))
    return {
      slot: words[0] as number,
      bytes: words[1] as number,
      timestampNs: new BigUint64Array(words.buffer)[2] as bigint,
      flags: words[6] as number,
    }
  }

  /** Writes an entry to the program, whatever it says; seen when it is published. */
  give(slot: number, { bytes = 0, flags = 0, timestampNs = 0n, sequence = this.#sequence++ } = {}): void {
    const { toUser } = this.layout
    const words = new BigUint64Array([0n, BigInt(sequence), timestampNs, BigInt(flags)])
    const at = entry(this.#given, toUser)
    toUser.set(new Int32Array(words.buffer), at)
    toUser[at] = slot
    toUser[at + 1] = bytes
    this.#given = (this.#given + 1) | 0
  }

  giveBack(slot: number): void {
    this.give(slot, { flags: FRAME_EMPTY, sequence: 0 })
  }

  /** Takes a slot, and gives it as a frame whose first byte is its number. */
  capture(): void {
    const frame = this.take()
    if (frame === undefined) {
      this.#sequence++
      Atomics.add(this.layout.header, OVERRUNS, 1)
      return
    }
    ;(this.layout.slots[frame.slot] as Uint8Array)[0] = this.#sequence
    this.give(frame.slot, { bytes: 1 })
  }

  miss(ticks: number): void {
    this.#sequence += ticks
    Atomics.add(this.layout.header, MISSED, ticks)
  }

  /** Whether it has rung. */
  publish(): boolean {
    const { header } = this.layout
    Atomics.store(header, TO_USER, this.#given)
    if (Atomics.exchange(header, USER_WAKE, 0) === 0) return false
    this.#bell.ring()
    return true
  }

  sleep(): void {
    Atomics.store(this.layout.header, KERNEL_WAKE, 1)
  }
}

function entry(position: number, queue: Int32Array): number {
  return (position & (queue.length / ENTRY_WORDS - 1)) * ENTRY_WORDS
}

export class FakeBell extends TestBell implements FramesBell {
  notified = 0
  lost: PendshareError | undefined

  notify(): void {
    this.notified++
  }
}

export interface Both {
  readonly memory: Uint8Array
  readonly bell: FakeBell
  readonly frames: Frames
  readonly kernel: Kernel
}

/** Both sides. `start`: the first position of each queue. */
export function pair(direction: 'capture' | 'playback', { count = 4, start = 0 } = {}): Both {
  const length = framesLength(count, BYTES, 4096)
  const memory = new Uint8Array(new SharedArrayBuffer(length))
  const playback = direction === 'playback'
  formatFrames(memory, { count, bytes: BYTES, pageSize: 4096, playback })
  if (start !== 0) move(memory, start)
  const bell = new FakeBell()
  const kernel = new Kernel(memory, bell, start)
  const frames = new Frames(memory, bell as FramesBell)
  assert.equal(frames.direction, direction)
  return { memory, bell, frames, kernel }
}

/** As if as many entries had gone through both queues already. */
function move(memory: Uint8Array, start: number): void {
  const { header, toUser, toKernel } = readLayout(memory)
  for (const queue of [toUser, toKernel]) {
    const before = queue.slice()
    for (let at = 0; at < queue.length / ENTRY_WORDS; at++)
      queue.set(before.subarray(at * ENTRY_WORDS, (at + 1) * ENTRY_WORDS), entry(start + at, queue))
  }
  for (const position of [TO_USER, TO_KERNEL, TAKEN])
    header[position] = ((header[position] as number) + start) | 0
}

/** Lets iterations take what there is: each may wait for a turn of the event loop before each step. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await setImmediate()
}

export const CORRUPT = { code: 'ERR_PENDSHARE_FRAMES_CORRUPT' }
export const STALE = { code: 'ERR_PENDSHARE_STALE_FRAME' }
export const IN_USE = { code: 'ERR_PENDSHARE_FRAMES_IN_USE' }
export const ENDED = { code: 'ERR_PENDSHARE_ENDED' }
export const INVALID = { code: 'ERR_PENDSHARE_INVALID_ARGUMENT' }
export const DIRECTION = { code: 'ERR_PENDSHARE_WRONG_DIRECTION' }
