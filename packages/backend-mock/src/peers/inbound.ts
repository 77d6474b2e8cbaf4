/**
 * The ring from the program to a peer, read as a kernel reads it: nothing the program wrote is believed, all of it is
 * read once and bounded before use.
 */
import {
  CONSUMER,
  corrupt,
  maxPayload,
  PRODUCER,
  RECORD_HEADER,
  RECORD_PAD,
  ringData,
  ringHeader,
  WAKE,
} from '@pendshare/core/ring/layout'

export interface InboundRecord {
  readonly offset: number
  readonly length: number
  readonly kind: number
}

export class Inbound {
  readonly bytes: Uint8Array
  readonly #header: Int32Array
  readonly #words: Int32Array
  #position = 0

  /** `memory` holds an empty ring that was just laid out. */
  constructor(memory: Uint8Array) {
    this.#header = ringHeader(memory)
    const { bytes, words } = ringData(memory, this.#header)
    this.bytes = bytes
    this.#words = words
  }

  /** The next record, which stays in the ring until `advance()`. Throws `ERR_PENDSHARE_RING_CORRUPT`. */
  peek(): InboundRecord | undefined {
    let used = (Atomics.load(this.#header, PRODUCER) - this.#position) >>> 0
    if (used > this.bytes.length || (used & 7) !== 0) throw corrupt('its producer claims what does not fit')
    while (used > 0) {
      const index = this.#position & (this.bytes.length - 1)
      // Both are within the data: index is a multiple of 8 below its length.
      const length = (this.#words[index >> 2] as number) >>> 0
      const kind = (this.#words[(index >> 2) + 1] as number) >>> 0
      const taken = span(length)
      if (taken > used || taken > this.bytes.length - index)
        throw corrupt('a record is longer than what was written')
      if (kind !== RECORD_PAD && length > maxPayload(this.bytes.length)) throw corrupt('a record is too long')
      if (kind !== RECORD_PAD) return { offset: index + RECORD_HEADER, length, kind }
      if (taken !== this.bytes.length - index) throw corrupt('it is padded where its data does not end')
      this.#position = (this.#position + taken) | 0
      used -= taken
    }
    return undefined
  }

  /** Goes past the record that was peeked. The program learns of it from `release()`. */
  advance(record: InboundRecord): void {
    this.#position = (this.#position + span(record.length)) | 0
  }

  /** Gives the space of everything before the position back to the program. */
  release(): void {
    Atomics.store(this.#header, CONSUMER, this.#position)
  }

  /** Asks to be notified at the next publish; `false`: something has come meanwhile. */
  sleep(): boolean {
    Atomics.store(this.#header, WAKE, 1)
    return Atomics.load(this.#header, PRODUCER) === this.#position
  }
}

/** Not by bit operations: a hostile length has all 32 bits. */
function span(length: number): number {
  return Math.ceil((RECORD_HEADER + length) / 8) * 8
}
