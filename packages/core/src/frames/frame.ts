/** A frame: one slot of a share while it is in the program's hand. One object and one view a slot, made once. */
import { PendshareError } from '../errors.ts'
import { FRAME_EMPTY, FRAME_OWN_FLAGS } from './layout.ts'

export interface SubmitOptions {
  /** For the peer: bits 16 to 31 of a u32. Default 0. */
  readonly flags?: number
  /** For the peer, monotonic nanoseconds. Default 0. */
  readonly timestampNs?: bigint
}

/**
 * One slot while the program has it: to be read, to be filled, or both. The same slot is the same object each time that it comes. Once
 * it was given back all but `slot` throws `ERR_PENDSHARE_STALE_FRAME`, until it comes again.
 */
export interface Frame extends Disposable {
  /** Which of the slots, from 0 on. */
  readonly slot: number
  /** The whole slot. The content is its first `bytes`. */
  readonly data: Uint8Array
  /** Bytes of content; 0 for one that `acquire()` gave. */
  readonly bytes: number
  /** Number of the frame, from 0 on. A gap: frames that were overrun or missed. */
  readonly sequence: number
  /** When the peer gave it, in nanoseconds of the clock of `process.hrtime.bigint()`. */
  readonly timestampNs: bigint
  /** The peer's: bits 16 to 31 of a u32. */
  readonly flags: number
  /** Keeps the frame when the block of its `using` is left; it is then given back by `release()` or `submit()`. Returns the frame. */
  hold(): this
  /** Gives the slot back without content: to the kernel for capture, for playback to whoever acquires. Of no effect once the share has ended. */
  release(): void
  /**
   * Gives the slot to the peer with `bytes` of content. Of no effect once the share has ended.
   *
   * @throws PendshareError `ERR_PENDSHARE_INVALID_ARGUMENT`
   */
  submit(bytes: number, options?: SubmitOptions): void
}

/** Who takes a frame back. */
export interface FrameOwner {
  /** Throws when the memory has another use by now. */
  check(): void
  /** A slot without content. */
  free(frame: SlotFrame): void
  submit(frame: SlotFrame, bytes: number, flags: number, timestampNs: bigint): void
}

/** One for all: `= {}` would make an object for each frame. */
const NO_OPTIONS: SubmitOptions = Object.freeze({})

export class SlotFrame implements Frame {
  readonly slot: number
  /** Whether it is the owner's: the program has it, or it waits to be acquired. */
  ours = false
  /** Whether the program has it. */
  inHand = false
  readonly #owner: FrameOwner
  readonly #data: Uint8Array
  #held = false
  #bytes = 0
  #sequence = 0
  #timestampLow = 0
  #timestampHigh = 0
  #flags = 0

  constructor(owner: FrameOwner, slot: number, data: Uint8Array) {
    this.slot = slot
    this.#owner = owner
    this.#data = data
  }

  get data(): Uint8Array {
    this.#check()
    this.#owner.check()
    return this.#data
  }
  get bytes(): number {
    this.#check()
    return this.#bytes
  }
  get sequence(): number {
    this.#check()
    return this.#sequence
  }
  get timestampNs(): bigint {
    this.#check()
    return (BigInt(this.#timestampHigh >>> 0) << 32n) | BigInt(this.#timestampLow >>> 0)
  }
  get flags(): number {
    this.#check()
    return this.#flags
  }

  hold(): this {
    this.#check()
    this.#held = true
    return this
  }

  release(): void {
    this.#check()
    this.inHand = false
    this.#owner.free(this)
  }

  /** Checked by hand: a schema would cost more than the rest of it. */
  submit(bytes: number, options: SubmitOptions = NO_OPTIONS): void {
    const { flags = 0, timestampNs = 0n } = options
    this.#check()
    if (!Number.isInteger(bytes) || bytes < 0 || bytes > this.#data.length)
      throw wrong(`expected 0 to ${this.#data.length} bytes, not ${bytes}`)
    if (!Number.isInteger(flags) || (flags & FRAME_OWN_FLAGS) >>> 0 !== flags)
      throw wrong(`flags are bits 16 to 31, not ${flags}`)
    if (typeof timestampNs !== 'bigint' || BigInt.asUintN(64, timestampNs) !== timestampNs)
      throw wrong('timestampNs is a bigint of 64 bits')
    this.inHand = false
    this.#owner.submit(this, bytes, flags, timestampNs)
  }

  [Symbol.dispose](): void {
    if (this.inHand && !this.#held) this.release()
  }

  /** The kernel gave it: what its entry, at `at`, says, of which `bytes` and `flags` were read already. */
  come(words: Int32Array, at: number, bytes: number, flags: number): void {
    this.#bytes = bytes
    this.#sequence = ((words[at + 3] as number) >>> 0) * 0x1_0000_0000 + ((words[at + 2] as number) >>> 0)
    this.#timestampLow = words[at + 4] as number
    this.#timestampHigh = words[at + 5] as number
    this.#flags = (flags & FRAME_OWN_FLAGS) >>> 0
  }

  /** From the pool: nothing is in it. */
  empty(): void {
    this.#bytes = 0
    this.#sequence = 0
    this.#timestampLow = 0
    this.#timestampHigh = 0
    this.#flags = 0
  }

  /** To the program. */
  handOut(): this {
    this.inHand = true
    this.#held = false
    return this
  }

  #check(): void {
    if (this.inHand) return
    throw new PendshareError(
      'ERR_PENDSHARE_STALE_FRAME',
      `frame ${this.slot} was given back, and its memory may hold another by now: keep it by hold(), and give it back once`,
    )
  }
}

/** Whether an entry is of a slot without content. */
export function isEmpty(flags: number): boolean {
  return (flags & FRAME_EMPTY) !== 0
}

function wrong(what: string): PendshareError {
  return new PendshareError('ERR_PENDSHARE_INVALID_ARGUMENT', `frame.submit(): ${what}`)
}
