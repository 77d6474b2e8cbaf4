/**
 * The producer's side of a ring: records go in without a lock and without blocking, and a record that does not fit is
 * counted and dropped. One writer a ring; nothing written is seen by the consumer before `publish()`.
 *
 * What the writer owns (its position, the counts) it keeps in itself and only writes out; of what the consumer wrote it
 * reads the position, once, and bounds it. `Atomics` accesses are sequentially consistent among each other: a
 * store is at least C's store-release, a load at least its load-acquire, and a store followed by a load of another
 * word is not reordered, which is the full barrier of `pendshare_ring_publish()`.
 */
import {
  CONSUMER,
  corrupt,
  DROPPED,
  GAP_BYTES,
  MISSED,
  maxPayload,
  PRODUCER,
  RECORD_GAP,
  RECORD_HEADER,
  RECORD_PAD,
  ringData,
  ringHeader,
  WAKE,
} from './layout.ts'

export class RingWriter {
  /** The whole data area; the offset that `reserve()` returns is an index into it. */
  readonly bytes: Uint8Array
  /** The longest payload that the ring takes, in bytes. */
  readonly maxPayload: number
  readonly #header: Int32Array
  readonly #words: Int32Array
  readonly #capacity: number
  /** Everything before it is published or reserved. */
  #position: number
  /** The last valid consumer position seen. */
  #consumer: number
  #dropped: number
  /** Drops that the last gap told of. */
  #told: number
  #missed: number

  /**
   * Writes on where the last writer of this ring left off. `memory` holds a formatted ring.
   * Throws `ERR_PENDSHARE_RING_CORRUPT` when it does not.
   */
  constructor(memory: Uint8Array) {
    this.#header = ringHeader(memory)
    const { bytes, words } = ringData(memory, this.#header)
    this.bytes = bytes
    this.#words = words
    this.#capacity = bytes.length
    this.maxPayload = maxPayload(bytes.length)
    this.#position = Atomics.load(this.#header, PRODUCER)
    this.#dropped = Atomics.load(this.#header, DROPPED)
    // Whether the last writer has told of its drops nobody knows; told twice they are no more, as a gap has the count of all.
    this.#told = this.#dropped === 0 ? 0 : (this.#dropped - 1) | 0
    this.#missed = Atomics.load(this.#header, MISSED)
    this.#consumer = Atomics.load(this.#header, CONSUMER)
    const used = (this.#position - this.#consumer) >>> 0
    if (used > this.#capacity || (used & 7) !== 0) throw corrupt('its positions contradict each other')
  }

  /** Records dropped because the ring was full, modulo 2^32. */
  get dropped(): number {
    return this.#dropped >>> 0
  }

  /** Ticks counted as missed, modulo 2^32. */
  get missed(): number {
    return this.#missed >>> 0
  }

  /** For a producer that goes by a timer: counts so many ticks that came too late for a record to be attempted. */
  miss(ticks: number): void {
    this.#missed = (this.#missed + ticks) | 0
    Atomics.store(this.#header, MISSED, this.#missed)
  }

  /**
   * Makes room for a payload of `length` bytes and returns its offset in `bytes`, or -1 when the record does not fit
   * and was counted as dropped. Fill it, then `publish()`; several may be reserved before one publish. `kind` is free
   * for use, 0 to 2^32 - 2. Throws `ERR_PENDSHARE_RING_CORRUPT` when the consumer claims what was never written.
   */
  reserve(length: number, kind = 0): number {
    if (length > this.maxPayload) return this.#drop()
    if (this.#dropped !== this.#told) return this.#reserveAfterDrops(length, kind)
    const span = (length + RECORD_HEADER + 7) & -8
    let index = this.#position & (this.#capacity - 1)
    const rest = this.#capacity - index
    const pad = span > rest ? rest : 0
    if (!this.#fits(pad + span)) return this.#drop()
    if (pad > 0) {
      this.#head(index, pad - RECORD_HEADER, RECORD_PAD)
      index = 0
    }
    this.#head(index, length, kind)
    this.#position = (this.#position + pad + span) | 0
    return index + RECORD_HEADER
  }

  /** The first record after drops tells of them, or the padding before it where that has the room. */
  #reserveAfterDrops(length: number, kind: number): number {
    const { pad, gap, span } = this.#afterDrops(length)
    if (!this.#fits(pad + gap + span)) return this.#drop()
    let index = this.#position & (this.#capacity - 1)
    if (pad > 0) {
      this.#head(index, (pad - RECORD_HEADER) | (gap === 0 ? RECORD_GAP : 0), RECORD_PAD)
      if (gap === 0) this.#head(index + RECORD_HEADER, this.#dropped, 0)
      index = 0
    }
    this.#head(index, length | (gap === 0 ? 0 : RECORD_GAP), kind)
    if (gap > 0) this.#head(index + RECORD_HEADER, this.#dropped, 0)
    this.#told = this.#dropped
    this.#position = (this.#position + pad + gap + span) | 0
    return index + RECORD_HEADER + gap
  }

  #afterDrops(length: number): { pad: number; gap: number; span: number } {
    const span = (length + RECORD_HEADER + 7) & -8
    const rest = this.#capacity - (this.#position & (this.#capacity - 1))
    const pad = span + GAP_BYTES > rest ? rest : 0
    return { pad, gap: pad > RECORD_HEADER ? 0 : GAP_BYTES, span }
  }

  /** Whether a payload of `length` bytes fits now: asked by those who would rather wait than drop. */
  room(length: number): boolean {
    if (length > this.maxPayload) return false
    if (this.#dropped !== this.#told) {
      const { pad, gap, span } = this.#afterDrops(length)
      return this.#fits(pad + gap + span)
    }
    const span = (length + RECORD_HEADER + 7) & -8
    const rest = this.#capacity - (this.#position & (this.#capacity - 1))
    return this.#fits(span + (span > rest ? rest : 0))
  }

  /** Reserves a record and copies `payload` into it; `false`: it did not fit and was counted as dropped. */
  write(payload: Uint8Array, kind = 0): boolean {
    const offset = this.reserve(payload.length, kind)
    if (offset < 0) return false
    this.bytes.set(payload, offset)
    return true
  }

  /** Shows the consumer all that was reserved. `true`: the consumer sleeps and must be rung. */
  publish(): boolean {
    Atomics.store(this.#header, PRODUCER, this.#position)
    // The consumer sets wake, then reads the position: whichever comes first, one of us sees the other.
    if (Atomics.load(this.#header, WAKE) === 0) return false
    Atomics.store(this.#header, WAKE, 0)
    return true
  }

  #fits(bytes: number): boolean {
    if ((this.#position + bytes - this.#consumer) >>> 0 <= this.#capacity) return true
    const consumer = Atomics.load(this.#header, CONSUMER)
    const used = (this.#position - consumer) >>> 0
    // It may only move on, by whole records, and not past what was reserved.
    if (used > (this.#position - this.#consumer) >>> 0 || (used & 7) !== 0) {
      throw corrupt('its consumer claims what was never written')
    }
    this.#consumer = consumer
    return used + bytes <= this.#capacity
  }

  /** Writes two words: a record's header, or a gap's count and what is reserved. */
  #head(index: number, length: number, kind: number): void {
    const word = index >> 2
    this.#words[word] = length
    this.#words[word + 1] = kind
  }

  #drop(): -1 {
    this.#dropped = (this.#dropped + 1) | 0
    Atomics.store(this.#header, DROPPED, this.#dropped)
    return -1
  }
}
