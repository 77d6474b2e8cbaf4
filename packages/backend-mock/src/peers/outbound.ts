/** The ring from a peer to the program: laid out, written, and accounted as what the peer has written. */
import { formatRing, RingWriter } from '@pendshare/core'
import { RING_DATA } from '@pendshare/core/ring/layout'
import type { PeerShare } from './peer.ts'

export class Outbound {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly #share: PeerShare
  readonly #writer: RingWriter
  #reached = 0
  #last = 0

  /** `runs`: what is pushed becomes runs. */
  constructor(share: PeerShare, memory: Uint8Array, runs = false) {
    formatRing(memory, { runs })
    this.#share = share
    this.#writer = new RingWriter(memory)
    this.bytes = this.#writer.bytes
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength)
  }

  /** Whether a payload fits now: asked by peers that would rather wait than drop. */
  room(length: number): boolean {
    return this.#writer.room(length)
  }

  /** The offset in `bytes` of a payload to fill, or -1 when it was dropped. */
  reserve(length: number, kind = 0): number {
    return this.#reach(this.#writer.reserve(length, kind), length)
  }

  /** As `reserve()`, of a sample, which goes into a run where there may be any. */
  push(stride: number): number {
    return this.#reach(this.#writer.push(stride), stride)
  }

  #reach(offset: number, length: number): number {
    if (offset < 0) return offset
    // A record that lies before the last one says that the data area was filled to its end.
    this.#reached = offset < this.#last ? this.bytes.length : Math.max(this.#reached, offset + length)
    this.#last = offset
    return offset
  }

  /** Counts ticks that came too late for a record. */
  miss(ticks: number): void {
    this.#writer.miss(ticks)
  }

  /** Shows the program all that was reserved, and rings it if it sleeps. */
  publish(): void {
    this.#published(this.#writer.publish())
  }

  /** As `publish()`, unless the program is busy with what was published before: then with the next call. */
  publishLazily(): void {
    this.#published(this.#writer.publishLazily())
  }

  #published(asleep: boolean): void {
    if (asleep) this.#share.ring()
    if (this.#reached > 0) this.#share.written(RING_DATA + ((this.#reached + 7) & -8))
  }
}
