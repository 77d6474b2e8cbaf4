/**
 * The kernel's side of frames: `struct pendshare_frames` of frames.h, with its checks. Nothing that the program wrote is believed: its
 * position and each entry are read once and checked, and which slots the kernel has, it keeps for itself.
 */
import { formatFrames } from '@pendshare/core'
import {
  corrupt,
  ENTRY_WORDS,
  FRAME_EMPTY,
  type FramesLayout,
  framesData,
  KERNEL_WAKE,
  MISSED,
  OVERRUNS,
  readLayout,
  TO_KERNEL,
  TO_USER,
  USER_WAKE,
} from '@pendshare/core/frames/layout'

/** What a frame says besides its content. */
export interface FrameTold {
  /** Bytes of content, from the start of the slot. */
  readonly bytes: number
  /** Monotonic nanoseconds. Default: 0. */
  readonly timestampNs?: bigint
  /** Bits 16 to 31 of a u32 are the peer's, or the program's. Default: 0. */
  readonly flags?: number
}

/** A slot that the program gave: to be filled, or with a frame in it. */
export interface TakenFrame extends Required<FrameTold> {
  readonly slot: number
  /** Without content. */
  readonly empty: boolean
}

/** Frames as a peer sees them. One entry at a time; every slot that is taken is given again, in any order. */
export interface PeerFrames {
  /** How many slots there are. */
  readonly count: number
  /** Of a slot. */
  readonly bytes: number
  /** Number that the next frame with content gets. */
  readonly sequence: number
  /** Slots in the peer's hand, as far as it has looked. */
  readonly has: number
  /** The memory of a slot, live. */
  memory(slot: number): Uint8Array
  /** Of a slot, from the start of the share. */
  offset(slot: number): number
  /**
   * Takes the slot that the program gave first, `undefined` when none lies there. Throws `ERR_PENDSHARE_FRAMES_CORRUPT`
   * when the program wrote nonsense: leave that to the mock, which then ends the share as failed.
   */
  take(): TakenFrame | undefined
  /** Gives a slot that was taken to the program, which sees it when it is published. Counts it as written. */
  give(slot: number, told: FrameTold): void
  /** Gives a slot back without content. */
  giveBack(slot: number): void
  /** The device had a frame, and there was no slot for it. */
  overrun(): void
  /** So many frames were not even attempted, as a timer came too late for them. */
  miss(ticks: number): void
  /** Shows the program all that was given, and rings it if it sleeps. */
  publish(): void
  /** Asks to be notified when the program next gives a slot; `false`: one has come meanwhile, take it. */
  sleep(): boolean
}

/** What frames need of their share. */
export interface FramesShare {
  /** Throws once it is unmapped. */
  readonly memory: Uint8Array
  written(bytes: number): void
  ring(): void
}

interface Slots {
  readonly count: number
  readonly bytes: number
  readonly pageSize: number
  readonly playback: boolean
}

export class KernelFrames implements PeerFrames {
  readonly count: number
  readonly bytes: number
  readonly #share: FramesShare
  readonly #layout: FramesLayout
  readonly #data: number
  readonly #mask: number
  /** Checked, not taken. */
  readonly #queued = new Set<number>()
  /** Taken, not given. */
  readonly #mine = new Set<number>()
  /** Positions: entries to the program written; entries to the kernel checked, and taken. */
  #given: number
  #seen = 0
  #taken = 0
  #overruns = 0
  #missed = 0
  #sequence = 0n

  /** Lays frames out, which fit. With `playback` the program has all slots at first, else the kernel. */
  constructor(share: FramesShare, slots: Slots) {
    formatFrames(share.memory, slots)
    this.count = slots.count
    this.bytes = slots.bytes
    this.#share = share
    this.#layout = readLayout(share.memory)
    this.#data = framesData(slots.count, slots.pageSize)
    this.#mask = this.#layout.toUser.length / ENTRY_WORDS - 1
    this.#given = slots.playback ? slots.count : 0
  }

  get sequence(): number {
    return Number(this.#sequence)
  }

  get has(): number {
    return this.#mine.size + this.#queued.size
  }

  memory(slot: number): Uint8Array {
    const offset = this.offset(slot)
    return this.#share.memory.subarray(offset, offset + this.bytes)
  }

  offset(slot: number): number {
    if (!(Number.isInteger(slot) && slot >= 0 && slot < this.count))
      throw new RangeError(`there is no slot ${slot}`)
    return this.#data + slot * this.bytes
  }

  take(): TakenFrame | undefined {
    if (this.#taken === this.#seen) this.#look()
    if (this.#taken === this.#seen) return undefined
    const words = this.#load(this.#taken)
    const slot = words[0] as number
    const bytes = words[1] as number
    const flags = words[6] as number
    // The program can have changed the entry since it was checked.
    if (!this.#queued.delete(slot)) throw corrupt(`slot ${slot} was changed in its queue`)
    if (bytes > this.bytes) throw corrupt(`a frame of ${bytes} bytes is longer than its slot`)
    this.#mine.add(slot)
    this.#taken = (this.#taken + 1) >>> 0
    const timestampNs = (BigInt(words[5] as number) << 32n) | BigInt(words[4] as number)
    return { slot, bytes, timestampNs, flags, empty: (flags & FRAME_EMPTY) !== 0 }
  }

  give(slot: number, { bytes, timestampNs = 0n, flags = 0 }: FrameTold): void {
    if (!this.#mine.has(slot) || !(Number.isInteger(bytes) && bytes >= 0 && bytes <= this.bytes))
      throw new RangeError(
        `the peer gives ${bytes} bytes in slot ${slot}, which it does not have or is shorter`,
      )
    const empty = (flags & FRAME_EMPTY) !== 0
    const sequence = empty ? 0n : this.#sequence++
    this.#words.set(
      [slot, bytes, low(sequence), high(sequence), low(timestampNs), high(timestampNs), flags, 0],
      (this.#given & this.#mask) * ENTRY_WORDS,
    )
    this.#mine.delete(slot)
    this.#given = (this.#given + 1) >>> 0
    if (!empty) this.#share.written(this.offset(slot) + bytes)
  }

  giveBack(slot: number): void {
    this.give(slot, { bytes: 0, flags: FRAME_EMPTY })
  }

  overrun(): void {
    this.#sequence++
    this.#header[OVERRUNS] = ++this.#overruns
  }

  miss(ticks: number): void {
    this.#sequence += BigInt(ticks)
    this.#missed = (this.#missed + ticks) >>> 0
    this.#header[MISSED] = this.#missed
  }

  publish(): void {
    const header = this.#header
    Atomics.store(header, TO_USER, this.#given)
    if (Atomics.load(header, USER_WAKE) === 0) return
    // Before the ring, so that whatever was cleared gets one that comes later.
    Atomics.store(header, USER_WAKE, 0)
    this.#share.ring()
  }

  sleep(): boolean {
    const header = this.#header
    Atomics.store(header, KERNEL_WAKE, 1)
    return Atomics.load(header, TO_KERNEL) >>> 0 === this.#seen && this.#seen === this.#taken
  }

  /** Looks at what the program has given since: each entry has to be of a slot that the program has. */
  #look(): void {
    const position = Atomics.load(this.#header, TO_KERNEL) >>> 0
    const waiting = (position - this.#taken) >>> 0
    if (waiting > this.count - this.#mine.size || waiting < (this.#seen - this.#taken) >>> 0)
      throw corrupt(`the program claims to have given ${waiting} slots`)
    for (; this.#seen !== position; this.#seen = (this.#seen + 1) >>> 0) {
      const slot = this.#load(this.#seen)[0] as number
      if (slot >= this.count || this.#queued.has(slot) || this.#mine.has(slot))
        throw corrupt(`the program gives slot ${slot}, which it does not have`)
      this.#queued.add(slot)
    }
  }

  #load(position: number): Uint32Array {
    const at = (position & this.#mask) * ENTRY_WORDS
    void this.#share.memory
    return Uint32Array.from(this.#layout.toKernel.subarray(at, at + ENTRY_WORDS))
  }

  /** Nothing touches the memory once it is unmapped. */
  get #header(): Int32Array {
    void this.#share.memory
    return this.#layout.header
  }

  get #words(): Int32Array {
    void this.#share.memory
    return this.#layout.toUser
  }
}

function low(value: bigint): number {
  return Number(BigInt.asIntN(32, value))
}

function high(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n))
}
