/**
 * A batch: the records between two positions of a ring, seen where they lie. The walk over its records checks every
 * header and allocates nothing.
 */
import { PendshareError } from '../errors.ts'
import type { Span } from './span.ts'

/** What one record is shown as: its payload is `bytes[offset]` to `bytes[offset + length - 1]`, `offset` a multiple of 8. */
type Visit<R> = (offset: number, length: number, kind: number) => R

/** What a run is shown as: `count` payloads of `stride` bytes each from `bytes[offset]` on. */
type VisitRun = (offset: number, count: number, stride: number, kind: number) => void

/**
 * Records where they lie in the ring, in their order. Valid until the next batch is asked for or the iteration is left; from then on
 * all but `bytes` throws `ERR_PENDSHARE_STALE_BATCH`, as its records may have been overwritten.
 */
export interface Batch {
  /** The ring's whole data area, always the same array. */
  readonly bytes: Uint8Array
  /** How many records there are. Counted by a walk over them when first asked for. */
  readonly records: number
  /**
   * How many records were dropped before the first of this batch and after the last of the one before, exactly, 0 to 2^32 - 1:
   * where records were dropped a batch ends. With `latest()`: since the record that it handed out before.
   */
  readonly dropped: number
  /**
   * Calls `visit` for each record: its payload is `bytes[offset]` to `bytes[offset + length - 1]`, `offset` a multiple
   * of 8; `kind` is the producer's, 0 to 2^32 - 2. May be called again.
   * Throws `ERR_PENDSHARE_RING_CORRUPT` when a header is nonsense, `ERR_PENDSHARE_STALE_BATCH`, `ERR_PENDSHARE_ENDED` once the
   * share has ended and its region is lent again, and whatever `visit` throws.
   */
  forEach(visit: (offset: number, length: number, kind: number) => void): void
  /**
   * Calls `visit` once for records that lie next to each other without anything between them, the samples of a run: `count` records
   * of `stride` bytes each, the first at `bytes[offset]`. A record that is in no run is visited alone, with its length as `stride`.
   * The order, and what it throws, are those of `forEach()`, which visits the samples one by one.
   */
  forEachRun(visit: (offset: number, count: number, stride: number, kind: number) => void): void
  /**
   * Visits as `forEach()`, until `visit` returns `false`, and takes what it has visited, that one included; called again it goes on
   * with the rest. Of a batch that is taken from, only what was taken goes back to the producer: the rest stays in the ring
   * and comes again with the next batch, of this iteration or another. A record at which `visit` throws was not taken.
   * Returns how many were taken. Throws as `forEach()`.
   */
  take(visit: (offset: number, length: number, kind: number) => unknown): number
}

/** A batch whose payloads are elements of one typed array. Valid as long as a `Batch` is. */
export interface SampleBatch<T extends SampleArray> {
  /** The ring's whole data area, always the same array. */
  readonly samples: T
  /** How many records there are. Counted by a walk over them when first asked for. */
  readonly records: number
  /** As `Batch.dropped`. */
  readonly dropped: number
  /**
   * Calls `visit` for each record: its samples are `samples[start]` to `samples[start + count - 1]`.
   * Throws as `Batch.forEach()`, and `ERR_PENDSHARE_INVALID_ARGUMENT` when a payload is not a whole number of samples.
   */
  forEach(visit: (start: number, count: number, kind: number) => void): void
  /**
   * As `Batch.forEachRun()`, in elements: `count` records of `stride` elements, all of them `samples[start]` to
   * `samples[start + count * stride - 1]`. Throws as `forEach()`.
   */
  forEachRun(visit: (start: number, count: number, stride: number, kind: number) => void): void
  /** As `Batch.take()`. Throws as `forEach()`. */
  take(visit: (start: number, count: number, kind: number) => unknown): number
}

export type SampleArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array

export interface SampleConstructor<T extends SampleArray> {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T
}

/** Shows the reader's span until the span is set anew. */
export class RingBatch implements Batch {
  readonly bytes: Uint8Array
  readonly #span: Span
  readonly #serial: number
  #records: number | undefined

  constructor(span: Span) {
    this.bytes = span.bytes
    this.#span = span
    this.#serial = span.serial
  }

  get records(): number {
    const span = this.#fresh()
    this.#records ??= span.count()
    return this.#records
  }

  get dropped(): number {
    return this.#fresh().dropped
  }

  forEach(visit: Visit<void>): void {
    this.#fresh().forEach(visit)
  }

  forEachRun(visit: VisitRun): void {
    this.#fresh().forEachRun(visit)
  }

  take(visit: Visit<unknown>): number {
    return this.#fresh().take(visit)
  }

  #fresh(): Span {
    const span = this.#span
    if (span.serial === this.#serial) {
      span.check()
      return span
    }
    throw new PendshareError(
      'ERR_PENDSHARE_STALE_BATCH',
      'this batch was given back, and its memory may hold other records by now: look at a batch before the next is asked for, ' +
        'and hand no batches to what reads ahead; toReadable() copies',
    )
  }
}

export class RingSampleBatch<T extends SampleArray> implements SampleBatch<T> {
  readonly samples: T
  readonly #batch: RingBatch

  /** `samples`: the whole data area of the batch's ring. */
  constructor(samples: T, batch: RingBatch) {
    this.samples = samples
    this.#batch = batch
  }

  get records(): number {
    return this.#batch.records
  }

  get dropped(): number {
    return this.#batch.dropped
  }

  forEach(visit: Visit<void>): void {
    this.#batch.forEach(this.#samplesOf(visit))
  }

  forEachRun(visit: VisitRun): void {
    const shift = Math.log2(this.samples.BYTES_PER_ELEMENT)
    const mask = this.samples.BYTES_PER_ELEMENT - 1
    this.#batch.forEachRun((offset, count, stride, kind) => {
      if ((stride & mask) !== 0) throw uneven(stride, mask + 1)
      visit(offset >> shift, count, stride >> shift, kind)
    })
  }

  take(visit: Visit<unknown>): number {
    return this.#batch.take(this.#samplesOf(visit))
  }

  #samplesOf<R>(visit: Visit<R>): Visit<R> {
    const shift = Math.log2(this.samples.BYTES_PER_ELEMENT)
    const mask = this.samples.BYTES_PER_ELEMENT - 1
    return (offset, length, kind) => {
      if ((length & mask) !== 0) throw uneven(length, mask + 1)
      return visit(offset >> shift, length >> shift, kind)
    }
  }
}

function uneven(length: number, width: number): PendshareError {
  return new PendshareError(
    'ERR_PENDSHARE_INVALID_ARGUMENT',
    `a payload of ${length} bytes is not a whole number of samples of ${width} bytes`,
  )
}

/** The whole data area as samples. */
export function samplesOver<T extends SampleArray>(bytes: Uint8Array, array: SampleConstructor<T>): T {
  return new array(bytes.buffer, bytes.byteOffset, bytes.length / array.BYTES_PER_ELEMENT)
}
