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
  RECORD_RUN,
  RING_VERSION_RUNS,
  RUN_BYTES,
  ringData,
  ringHeader,
  VERSION,
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
  /** Whether samples that are pushed become runs. */
  readonly #runs: boolean
  /** Everything before it is published or reserved. */
  #position: number
  /** The last valid consumer position seen. */
  #consumer: number
  #dropped: number
  /** Drops that the last gap told of. */
  #told: number
  #missed: number
  /** Everything before it is published. */
  #published: number
  /** Where in the data the header of the unpublished run lies that samples go into; -1: there is none. */
  #run = -1
  /** Of it, with its flags. */
  #runLength = 0
  /** Where in the data its next sample goes. */
  #runEnd = 0
  #runStride = 0
  #runKind = 0

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
    this.#runs = this.#header[VERSION] === RING_VERSION_RUNS
    this.#position = Atomics.load(this.#header, PRODUCER)
    this.#published = this.#position
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
    if (this.#dropped !== this.#told) return this.#place(length, kind, 0)
    const span = (length + RECORD_HEADER + 7) & -8
    let index = this.#position & (this.#capacity - 1)
    const rest = this.#capacity - index
    const pad = span > rest ? rest : 0
    if (!this.#fits(pad + span)) return this.#drop()
    if (this.#run >= 0) this.#close()
    if (pad > 0) {
      this.#head(index, pad - RECORD_HEADER, RECORD_PAD)
      index = 0
    }
    this.#head(index, length, kind)
    this.#position = (this.#position + pad + span) | 0
    return index + RECORD_HEADER
  }

  /**
   * Makes room for one of many equal samples of `stride` bytes, which come one by one, and returns its offset in `bytes`, or -1 as `reserve()`.
   * Together with those that were pushed just before, and are not published yet, it becomes one record, a run, where the ring was formatted
   * with `runs`. A sample begins `stride` bytes behind the last; only the first is aligned to 8 in any case. Samples of 1 to
   * `maxPayload - 8` bytes can be in a run; any other becomes a record of its own. It fits where `room(stride + 8)` says so.
   */
  push(stride: number, kind = 0): number {
    const at = this.#runEnd
    // After a drop another run begins, as a gap comes before it.
    if (
      this.#run >= 0 &&
      stride === this.#runStride &&
      kind === this.#runKind &&
      this.#dropped === this.#told &&
      at + stride <= this.#capacity
    ) {
      const more = ((at + stride + 7) & -8) - ((at + 7) & -8)
      if (!this.#fits(more)) return this.#drop()
      this.#runLength += stride
      this.#runEnd = at + stride
      this.#position = (this.#position + more) | 0
      return at
    }
    const run = this.#runs && stride > 0 && stride <= this.maxPayload - RUN_BYTES
    return this.#place(stride, kind, run ? RUN_BYTES : 0)
  }

  /** A record, after drops for instance, or with `run`, the bytes before its payload, a run of one sample. */
  #place(length: number, kind: number, run: number): number {
    if (length > this.maxPayload - run) return this.#drop()
    const span = run + ((length + RECORD_HEADER + 7) & -8)
    const { pad, gap, told } = this.#extra(span)
    if (!this.#fits(pad + gap + span)) return this.#drop()
    this.#close()
    let index = this.#position & (this.#capacity - 1)
    if (pad > 0) {
      this.#head(index, (pad - RECORD_HEADER) | (told ? RECORD_GAP : 0), RECORD_PAD)
      if (told) this.#head(index + RECORD_HEADER, this.#dropped, 0)
      index = 0
    }
    const word = length | (gap > 0 ? RECORD_GAP : 0) | (run > 0 ? RECORD_RUN : 0)
    this.#head(index, word, kind)
    if (gap > 0) this.#head(index + RECORD_HEADER, this.#dropped, 0)
    const payload = index + RECORD_HEADER + gap + run
    if (run > 0) {
      this.#head(payload - RUN_BYTES, length, 0)
      this.#run = index
      this.#runLength = word
      this.#runEnd = payload + length
      this.#runStride = length
      this.#runKind = kind
    }
    this.#told = this.#dropped
    this.#position = (this.#position + pad + gap + span) | 0
    return payload
  }

  /** What goes in with a record besides its span: padding before it, a gap in it; `told`: the padding has the gap. */
  #extra(span: number): { pad: number; gap: number; told: boolean } {
    const rest = this.#capacity - (this.#position & (this.#capacity - 1))
    const gap = this.#dropped === this.#told ? 0 : GAP_BYTES
    const pad = span + gap > rest ? rest : 0
    const told = gap > 0 && pad > RECORD_HEADER
    return { pad, gap: told ? 0 : gap, told }
  }

  /** Whether a payload of `length` bytes fits now: asked by those who would rather wait than drop. */
  room(length: number): boolean {
    if (length > this.maxPayload) return false
    const span = (length + RECORD_HEADER + 7) & -8
    if (this.#dropped !== this.#told) {
      const { pad, gap } = this.#extra(span)
      return this.#fits(pad + gap + span)
    }
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

  /** Shows the consumer all that was reserved or pushed. `true`: the consumer sleeps and must be rung. */
  publish(): boolean {
    this.#close()
    this.#published = this.#position
    Atomics.store(this.#header, PRODUCER, this.#position)
    // The consumer sets wake, then reads the position: whichever comes first, one of us sees the other.
    if (Atomics.load(this.#header, WAKE) === 0) return false
    Atomics.store(this.#header, WAKE, 0)
    return true
  }

  /**
   * As `publish()`, unless the consumer is busy with what was published before: then what was pushed waits for the next call, and the runs
   * grow longer the more there is to do. For a writer that calls this after each sample and is sure to have a next one, or publishes
   * the last; no sample waits longer than until the call after the consumer has caught up.
   */
  publishLazily(): boolean {
    const waiting = (this.#position - this.#published) >>> 0
    const busy =
      Atomics.load(this.#header, WAKE) === 0 && Atomics.load(this.#header, CONSUMER) !== this.#published
    return busy && waiting < this.#capacity / 4 ? false : this.publish()
  }

  /** Gives the run that samples go into its length: it gets no more. */
  #close(): void {
    if (this.#run < 0) return
    this.#words[this.#run >> 2] = this.#runLength
    this.#run = -1
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
