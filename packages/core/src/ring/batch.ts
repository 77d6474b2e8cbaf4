/**
 * A batch: the records between two positions of a ring, seen where they lie. It is one object that is set anew for each
 * batch; the walk over its records checks every header and allocates nothing.
 */
import { PendshareError } from '../errors.ts'
import { corrupt, RECORD_HEADER } from './layout.ts'

/** Records where they lie in the ring, in their order. Valid until the next batch is asked for. */
export interface Batch {
  /** The ring's whole data area, always the same array. */
  readonly bytes: Uint8Array
  /** How many records there are. Counted by a walk over them when first asked for. */
  readonly records: number
  /**
   * Calls `visit` for each record: its payload is `bytes[offset]` to `bytes[offset + length - 1]`, `offset` a multiple
   * of 8; `kind` is the producer's, 0 to 2^32 - 2. May be called again.
   * Throws `ERR_PENDSHARE_RING_CORRUPT` when a header is nonsense, and whatever `visit` throws.
   */
  forEach(visit: (offset: number, length: number, kind: number) => void): void
}

/** A batch whose payloads are elements of one typed array. Valid until the next batch is asked for. */
export interface SampleBatch<T extends SampleArray> {
  /** The ring's whole data area, always the same array. */
  readonly samples: T
  /** How many records there are. Counted by a walk over them when first asked for. */
  readonly records: number
  /**
   * Calls `visit` for each record: its samples are `samples[start]` to `samples[start + count - 1]`.
   * Throws as `Batch.forEach()`, and `ERR_PENDSHARE_INVALID_ARGUMENT` when a payload is not a whole number of samples.
   */
  forEach(visit: (start: number, count: number, kind: number) => void): void
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

/** `RECORD_PAD` as the int32 that it is read as. */
const PAD = -1

export class RingBatch implements Batch {
  readonly bytes: Uint8Array
  /** Bytes of the ring that the batch takes, headers and padding included. */
  used = 0
  readonly #words: Int32Array
  #position = 0
  #records: number | undefined

  constructor(bytes: Uint8Array, words: Int32Array) {
    this.bytes = bytes
    this.#words = words
  }

  /** From now on the batch is the `used` bytes at `position`; 0: it is empty. */
  set(position: number, used: number): void {
    this.#position = position
    this.used = used
    this.#records = undefined
  }

  get records(): number {
    if (this.#records === undefined) {
      let records = 0
      this.forEach(() => {
        records++
      })
      this.#records = records
    }
    return this.#records
  }

  forEach(visit: (offset: number, length: number, kind: number) => void): void {
    const capacity = this.bytes.length
    const start = this.#position & (capacity - 1)
    const end = start + this.used
    this.#walk(start, Math.min(end, capacity), visit)
    if (end > capacity) this.#walk(0, end - capacity, visit)
  }

  /**
   * Visits the records from `index` to `end`, between which the data does not wrap. All arithmetic is on int32 and each word is
   * read once, from inside the data area whatever was written there: `index` and `end` are multiples of 8.
   */
  #walk(index: number, end: number, visit: (offset: number, length: number, kind: number) => void): void {
    const words = this.#words
    const capacity = this.bytes.length // asks the growable buffer each time
    while (index < end) {
      const length = words[index >> 2] as number
      const kind = words[(index >> 2) + 1] as number
      const payload = index + RECORD_HEADER
      index = behind(payload, length, end)
      if (kind !== PAD) visit(payload, length, kind >>> 0)
      else if (index !== capacity) throw padded()
    }
  }

  /** Shortens the batch to its first records, as few as fill `bytes` of the ring. */
  cut(bytes: number): void {
    const capacity = this.bytes.length
    let used = 0
    while (used < bytes && used < this.used) {
      const index = (this.#position + used) & (capacity - 1)
      const end = Math.min(index + this.used - used, capacity)
      const length = this.#words[index >> 2] as number
      const kind = this.#words[(index >> 2) + 1] as number
      const after = behind(index + RECORD_HEADER, length, end)
      if (kind === PAD && after !== capacity) throw padded()
      used += after - index
    }
    this.set(this.#position, used)
  }
}

/** Where the next record begins, behind the payload of `length` bytes; `end` is where the batch or the data ends. */
function behind(payload: number, length: number, end: number): number {
  if (length < 0 || length > end - payload) throw corrupt(`a record of ${length >>> 0} bytes is too long`)
  return payload + ((length + 7) & -8) // not beyond the end, which is a multiple of 8 too
}

function padded(): PendshareError {
  return corrupt('it is padded where its data does not end')
}

export class RingSampleBatch<T extends SampleArray> implements SampleBatch<T> {
  readonly samples: T
  readonly #batch: RingBatch

  constructor(array: SampleConstructor<T>, batch: RingBatch) {
    const { buffer, byteOffset, length } = batch.bytes
    this.samples = new array(buffer, byteOffset, length / array.BYTES_PER_ELEMENT)
    this.#batch = batch
  }

  get records(): number {
    return this.#batch.records
  }

  forEach(visit: (start: number, count: number, kind: number) => void): void {
    const shift = Math.log2(this.samples.BYTES_PER_ELEMENT)
    const mask = this.samples.BYTES_PER_ELEMENT - 1
    this.#batch.forEach((offset, length, kind) => {
      if ((length & mask) !== 0) {
        throw new PendshareError(
          'ERR_PENDSHARE_INVALID_ARGUMENT',
          `a payload of ${length} bytes is not a whole number of samples of ${mask + 1} bytes`,
        )
      }
      visit(offset >> shift, length >> shift, kind)
    })
  }
}
