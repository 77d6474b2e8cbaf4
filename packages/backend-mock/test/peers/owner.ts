/** The program's side of frames, by hand: takes and gives entries as `struct pendshare_frames_owner` of frames.h does. */
import {
  ENTRY_WORDS,
  KERNEL_WAKE,
  MISSED,
  OVERRUNS,
  readLayout,
  TAKEN,
  TO_KERNEL,
  TO_USER,
} from '@pendshare/core/frames/layout'

export interface Entry {
  readonly slot: number
  readonly bytes: number
  readonly sequence: number
  readonly timestampNs: bigint
  readonly flags: number
}

export class Owner {
  readonly header: Int32Array
  readonly slots: readonly Uint8Array[]
  readonly #toUser: Int32Array
  readonly #toKernel: Int32Array
  #taken = 0
  #given: number

  constructor(memory: Uint8Array) {
    const { header, slots, toUser, toKernel } = readLayout(memory)
    this.header = header
    this.slots = slots
    this.#toUser = toUser
    this.#toKernel = toKernel
    this.#given = header[TO_KERNEL] as number
  }

  get overruns(): number {
    return this.header[OVERRUNS] as number
  }

  get missed(): number {
    return this.header[MISSED] as number
  }

  /** All that the kernel has published since. */
  take(): Entry[] {
    const taken: Entry[] = []
    for (; this.#taken !== this.header[TO_USER]; this.#taken++) {
      const at = (this.#taken * ENTRY_WORDS) % this.#toUser.length
      const words = Uint32Array.from(this.#toUser.subarray(at, at + ENTRY_WORDS))
      const view = new DataView(words.buffer)
      taken.push({
        slot: view.getUint32(0, true),
        bytes: view.getUint32(4, true),
        sequence: Number(view.getBigUint64(8, true)),
        timestampNs: view.getBigUint64(16, true),
        flags: view.getUint32(24, true),
      })
    }
    return taken
  }

  /** Takes so many, and says so in the header, as an owner of frames.h does. */
  read(entries: number): void {
    this.#taken += entries
    this.header[TAKEN] = this.#taken
  }

  /** Says whether the kernel asks to be notified. */
  give(slot: number, bytes = 0, flags = 1, timestampNs = 0n): boolean {
    const at = (this.#given * ENTRY_WORDS) % this.#toKernel.length
    const words = new BigUint64Array([0n, 0n, timestampNs, BigInt(flags)])
    this.#toKernel.set(new Int32Array(words.buffer), at)
    this.#toKernel[at] = slot
    this.#toKernel[at + 1] = bytes
    this.claim(1)
    return Atomics.exchange(this.header, KERNEL_WAKE, 0) === 1
  }

  /** Claims to have given so many entries more. */
  claim(entries: number): void {
    this.#given += entries
    Atomics.store(this.header, TO_KERNEL, this.#given)
  }
}
