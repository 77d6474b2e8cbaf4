/**
 * The kernel's side of frames, as frames.h has it: what a driver is to the tests of the owner's side. Like that it allocates nothing for a
 * frame, so that what the owner allocates can be measured beside it.
 */
import {
  ENTRY_WORDS,
  FRAME_EMPTY,
  FRAMES_QUEUES,
  formatFrames,
  framesEntries,
  framesLength,
  KERNEL_WAKE,
  MISSED,
  OVERRUNS,
  TAKEN,
  TO_KERNEL,
  TO_USER,
  USER_WAKE,
} from '../../src/frames/layout.ts'

export interface Shape {
  readonly count: number
  readonly bytes: number
  readonly playback: boolean
  /** Default 8: of any size, for slots that need not be pages. */
  readonly pageSize?: number
  /** First position of both queues, whole queues; close to 2^32 they wrap soon. */
  readonly start?: number
}

/** What `take()` returns instead of a slot. */
export const NONE = -1
export const CORRUPT = -2

type Hand = 'owner' | 'queued' | 'mine'

export class Kernel {
  readonly memory: Uint8Array<SharedArrayBuffer>
  /** The header's words, and those of the queues. */
  readonly header: Uint32Array
  readonly toUser: Uint32Array
  readonly toKernel: Uint32Array
  /** What was taken last. */
  bytes = 0
  flags = 0
  readonly #words: Int32Array
  readonly #shape: Shape
  readonly #mask: number
  readonly #hands: Hand[]
  #timestampLow = 0
  #timestampHigh = 0
  #given: number
  #seen: number
  #taken: number
  #has = 0
  #sequence = 0

  constructor(shape: Shape) {
    const { count, bytes, playback, pageSize = 8, start = 0 } = shape
    const length = framesLength(count, bytes, pageSize)
    this.memory = new Uint8Array(new SharedArrayBuffer(length, { maxByteLength: length }), 0, length)
    formatFrames(this.memory, { count, bytes, pageSize, playback })
    const { buffer } = this.memory
    const words = framesEntries(count) * ENTRY_WORDS
    this.header = new Uint32Array(buffer, 0, FRAMES_QUEUES / 4)
    this.toUser = new Uint32Array(buffer, FRAMES_QUEUES, words)
    this.toKernel = new Uint32Array(buffer, FRAMES_QUEUES + words * 4, words)
    this.#words = new Int32Array(buffer, 0, FRAMES_QUEUES / 4)
    this.#shape = shape
    this.#mask = framesEntries(count) - 1
    this.#hands = Array.from({ length: count }, () => 'owner')
    this.#given = ((playback ? count : 0) + start) | 0
    this.#seen = start | 0
    this.#taken = start | 0
    this.#words[TAKEN] = start
    this.#words[TO_USER] = this.#given
    this.#words[TO_KERNEL] = (playback ? 0 : count) + start
  }

  /** Of the frame that was taken last. */
  get timestampNs(): bigint {
    return (BigInt(this.#timestampHigh) << 32n) | BigInt(this.#timestampLow)
  }

  /** Slots in the kernel's hand, as far as it has looked. */
  get kernels(): number {
    return this.#has + ((this.#seen - this.#taken) >>> 0)
  }

  /** The slot that the owner gave first, `NONE` or `CORRUPT`. */
  take(): number {
    if (this.#taken === this.#seen) {
      if (!this.#look()) return CORRUPT
      if (this.#taken === this.#seen) return NONE
    }
    const at = (this.#taken & this.#mask) * ENTRY_WORDS
    const slot = this.toKernel[at] as number
    this.bytes = this.toKernel[at + 1] as number
    this.#timestampLow = this.toKernel[at + 4] as number
    this.#timestampHigh = this.toKernel[at + 5] as number
    this.flags = this.toKernel[at + 6] as number
    if (this.#hands[slot] !== 'queued' || this.bytes > this.#shape.bytes) return CORRUPT
    this.#hands[slot] = 'mine'
    this.#taken = (this.#taken + 1) | 0
    this.#has++
    return slot
  }

  /** Returns whether it was the kernel's to give. */
  give(slot: number, bytes: number, timestampNs = 0n, flags = 0): boolean {
    if (this.#hands[slot] !== 'mine' || bytes > this.#shape.bytes) return false
    const at = (this.#given & this.#mask) * ENTRY_WORDS
    const sequence = (flags & FRAME_EMPTY) !== 0 ? 0 : this.#sequence++
    this.toUser[at] = slot
    this.toUser[at + 1] = bytes
    this.toUser[at + 2] = sequence
    this.toUser[at + 3] = sequence / 2 ** 32
    this.toUser[at + 4] = timestampNs === 0n ? 0 : Number(BigInt.asUintN(32, timestampNs))
    this.toUser[at + 5] = timestampNs === 0n ? 0 : Number(timestampNs >> 32n)
    this.toUser[at + 6] = flags
    this.toUser[at + 7] = 0
    this.#hands[slot] = 'owner'
    this.#given = (this.#given + 1) | 0
    this.#has--
    return true
  }

  /** Without content. */
  giveBack(slot: number): boolean {
    return this.give(slot, 0, 0n, FRAME_EMPTY)
  }

  overrun(): void {
    this.#sequence++
    this.header[OVERRUNS] = (this.header[OVERRUNS] as number) + 1
  }

  miss(ticks: number): void {
    this.#sequence += ticks
    this.header[MISSED] = (this.header[MISSED] as number) + ticks
  }

  /** Returns whether the owner sleeps and must be rung. */
  publish(): boolean {
    Atomics.store(this.#words, TO_USER, this.#given)
    return Atomics.exchange(this.#words, USER_WAKE, 0) !== 0
  }

  /** Returns whether there is nothing to take even so. */
  sleep(): boolean {
    Atomics.store(this.#words, KERNEL_WAKE, 1)
    return Atomics.load(this.#words, TO_KERNEL) === this.#seen && this.#seen === this.#taken
  }

  #look(): boolean {
    const position = Atomics.load(this.#words, TO_KERNEL)
    const waiting = (position - this.#taken) >>> 0
    if (waiting > this.#shape.count - this.#has || waiting < (this.#seen - this.#taken) >>> 0) return false
    for (; this.#seen !== position; this.#seen = (this.#seen + 1) | 0) {
      const slot = this.toKernel[(this.#seen & this.#mask) * ENTRY_WORDS] as number
      if (this.#hands[slot] !== 'owner') return false
      this.#hands[slot] = 'queued'
    }
    return true
  }
}
