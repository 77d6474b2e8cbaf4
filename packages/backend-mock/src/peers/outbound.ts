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

  constructor(share: PeerShare, memory: Uint8Array) {
    formatRing(memory)
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
    const offset = this.#writer.reserve(length, kind)
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
    if (this.#writer.publish()) this.#share.ring()
    if (this.#reached > 0) this.#share.written(RING_DATA + ((this.#reached + 7) & -8))
  }
}
