/**
 * The owner's ends of both queues, one entry at a time. Belongs to one thread at a time.
 *
 * What the kernel's queue says is checked before it is used. `Atomics` accesses are sequentially consistent among each other: the load
 * of the kernel's position is at least C's load-acquire, so that entries and content before it are seen whole; the store of ours is at
 * least a store-release, so that the kernel overwrites nothing that is still being read; and the store of a wake followed by a load of
 * a position, or the other way round, is not reordered, which is the full barrier of the protocol.
 */
import { isEmpty } from './frame.ts'
import {
  corrupt,
  ENTRY_WORDS,
  type FramesLayout,
  KERNEL_WAKE,
  TAKEN,
  TO_KERNEL,
  TO_USER,
  USER_WAKE,
} from './layout.ts'

export class Queues {
  /** Entries from the kernel. */
  readonly entries: Int32Array
  readonly #toKernel: Int32Array
  readonly #header: Int32Array
  readonly #count: number
  readonly #mask: number
  #taken: number
  /** The kernel's position when it was last looked at, which is only done when all before it was taken: each look is a call. */
  #known: number
  #given: number

  /** Goes on where the last owner left off. */
  constructor({ header, toUser, toKernel, count }: FramesLayout) {
    this.entries = toUser
    this.#toKernel = toKernel
    this.#header = header
    this.#count = count
    this.#mask = toUser.length / ENTRY_WORDS - 1
    this.#taken = Atomics.load(header, TAKEN)
    this.#known = this.#taken
    this.#given = Atomics.load(header, TO_KERNEL)
  }

  /** Whether an entry of the kernel's was not taken. Throws `ERR_PENDSHARE_FRAMES_CORRUPT`. */
  any(): boolean {
    return this.#known !== this.#taken || this.waiting() > 0
  }

  /** How many there are now. Throws `ERR_PENDSHARE_FRAMES_CORRUPT`. */
  waiting(): number {
    const position = Atomics.load(this.#header, TO_USER)
    const waiting = (position - this.#taken) >>> 0
    if (waiting > this.#count) throw corrupt('the kernel claims more frames than there are slots')
    this.#known = position
    return waiting
  }

  /** Where the entry that comes next lies in `entries`. */
  get next(): number {
    return (this.#taken & this.#mask) * ENTRY_WORDS
  }

  /** Whether it is of a slot without content. */
  get nextIsEmpty(): boolean {
    return isEmpty(this.entries[this.next + 6] as number)
  }

  /** Goes past the entry that comes next. */
  advance(): void {
    this.#taken = (this.#taken + 1) | 0
    this.#header[TAKEN] = this.#taken
  }

  /** Gives a slot to the kernel, which sees it at once; `true`: it sleeps, and has to be notified. */
  give(slot: number, bytes: number, flags: number, timestampNs: bigint): boolean {
    const at = (this.#given & this.#mask) * ENTRY_WORDS
    const words = this.#toKernel
    words[at] = slot
    words[at + 1] = bytes
    words[at + 6] = flags
    if (!isEmpty(flags)) {
      words[at + 4] = timestampNs === 0n ? 0 : Number(BigInt.asIntN(32, timestampNs))
      words[at + 5] = timestampNs === 0n ? 0 : Number(BigInt.asIntN(32, timestampNs >> 32n))
    }
    this.#given = (this.#given + 1) | 0
    Atomics.store(this.#header, TO_KERNEL, this.#given)
    // The kernel sets its wake, then reads the position: whichever comes first, one of us sees the other.
    if (Atomics.load(this.#header, KERNEL_WAKE) === 0) return false
    Atomics.store(this.#header, KERNEL_WAKE, 0)
    return true
  }

  /**
   * Asks to be rung at the next publish; `false`: something lies there already, and a ring that comes all the same does no harm. It is
   * not taken back: an iteration and those who acquire wait by the same word.
   */
  sleep(): boolean {
    Atomics.store(this.#header, USER_WAKE, 1)
    return Atomics.load(this.#header, TO_USER) === this.#taken
  }
}
