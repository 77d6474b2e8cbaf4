/**
 * The ring from the program to a peer, read as a kernel reads it: nothing the program wrote is believed, all of it is
 * read once and bounded before use.
 */
import {
  CONSUMER,
  corrupt,
  GAP_BYTES,
  KNOWN,
  maxPayload,
  PRODUCER,
  RECORD_GAP,
  RECORD_HEADER,
  RECORD_PAD,
  RECORD_RUN,
  RUN_BYTES,
  ringData,
  ringHeader,
  WAKE,
} from '@pendshare/core/ring/layout'

export interface InboundRecord {
  readonly offset: number
  readonly length: number
  readonly kind: number
  /** Bytes that it takes in the ring. */
  readonly span: number
}

export class Inbound {
  readonly bytes: Uint8Array
  readonly #header: Int32Array
  readonly #words: Int32Array
  #position = 0
  /** Drops that the program has told of, modulo 2^32. */
  #known = 0

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
      const word = (this.#words[index >> 2] as number) >>> 0
      const kind = (this.#words[(index >> 2) + 1] as number) >>> 0
      const length = word % RECORD_RUN
      const gap = word >= RECORD_GAP
      const run = (word & RECORD_RUN) !== 0
      // The gap of a padding lies within its length, and it is no run.
      const before = (gap && kind !== RECORD_PAD ? GAP_BYTES : 0) + (run ? RUN_BYTES : 0)
      const span = before + Math.ceil((RECORD_HEADER + length) / 8) * 8
      if (span > used || span > this.bytes.length - index)
        throw corrupt('a record is longer than what was written')
      if (gap && span < RECORD_HEADER + GAP_BYTES) throw corrupt('a gap has no room for its count')
      if (gap) this.#known = this.#words[(index + RECORD_HEADER) >> 2] as number
      if (run) this.#checkRun(index + RECORD_HEADER + before - RUN_BYTES, length, kind)
      if (kind !== RECORD_PAD && length > maxPayload(this.bytes.length)) throw corrupt('a record is too long')
      if (kind !== RECORD_PAD) return { offset: index + RECORD_HEADER + before, length, kind, span }
      if (span !== this.bytes.length - index) throw corrupt('it is padded where its data does not end')
      this.#position = (this.#position + span) | 0
      used -= span
    }
    return undefined
  }

  #checkRun(index: number, length: number, kind: number): void {
    const stride = (this.#words[index >> 2] as number) >>> 0
    if (kind === RECORD_PAD || length === 0 || !(length % stride === 0))
      throw corrupt('a run of what is none')
  }

  /** Goes past the record that was peeked. The program learns of it from `release()`. */
  advance(record: InboundRecord): void {
    this.#position = (this.#position + record.span) | 0
  }

  /** Gives the space of everything before the position back to the program. */
  release(): void {
    this.#header[KNOWN] = this.#known
    Atomics.store(this.#header, CONSUMER, this.#position)
  }

  /** Asks to be notified at the next publish; `false`: something has come meanwhile. */
  sleep(): boolean {
    Atomics.store(this.#header, WAKE, 1)
    return Atomics.load(this.#header, PRODUCER) === this.#position
  }
}
