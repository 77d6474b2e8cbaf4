/** The part of a ring that its consumer has now, and the walk over the records in it. */
import type { PendshareError } from '../errors.ts'
import { corrupt, RECORD_HEADER } from './layout.ts'

/** `RECORD_PAD` as the int32 that it is read as. */
const PAD = -1

/**
 * One a reader, set anew for each batch. What the producer wrote steers only where the walk goes on, within the span: all
 * arithmetic is on int32, each word is read once, and every index is a multiple of 8 inside the data area.
 */
export class Span {
  /** The ring's whole data area, as bytes and as words. */
  readonly bytes: Uint8Array
  readonly #words: Int32Array
  /** Of the first record, as the ring counts. */
  position: number
  /** Bytes from there on, headers and padding included. */
  used = 0
  /** Another one for each batch: what was made for an earlier one is stale. */
  serial = 0
  /** Bytes that `take()` has taken; `undefined`: it was not called, and all counts as taken. */
  #taken: number | undefined

  constructor(bytes: Uint8Array, words: Int32Array, position: number) {
    this.bytes = bytes
    this.#words = words
    this.position = position
  }

  /** From now on the span has the `used` bytes from its position on. */
  set(used: number): void {
    this.used = used
    this.serial++
    this.#taken = undefined
  }

  /** Leaves behind what was taken, and is empty. */
  pass(): void {
    this.position = (this.position + (this.#taken ?? this.used)) | 0
    this.set(0)
  }

  /** Whether everything has been taken. */
  get empty(): boolean {
    return this.taken === this.used
  }

  /** Bytes that `take()` has taken. */
  get taken(): number {
    return this.#taken ?? 0
  }

  count(): number {
    let records = 0
    this.forEach(() => {
      records++
    })
    return records
  }

  forEach(visit: (offset: number, length: number, kind: number) => void): void {
    const capacity = this.bytes.length
    const start = this.position & (capacity - 1)
    const end = start + this.used
    this.#walk(start, Math.min(end, capacity), visit)
    if (end > capacity) this.#walk(0, end - capacity, visit)
  }

  /** Visits the records from `index` to `end`, between which the data does not wrap. */
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

  /** Visits and takes records until `visit` returns `false`, that one included; how many. */
  take(visit: (offset: number, length: number, kind: number) => unknown): number {
    let records = 0
    this.#taken ??= 0
    this.#visitRest(visit, (taken) => {
      this.#taken = taken
      records++
    })
    return records
  }

  /** Visits what is not taken, until `visit` returns `false`. */
  peek(visit: (offset: number, length: number, kind: number) => unknown): void {
    this.#visitRest(visit, () => {})
  }

  /** `visited` is told how many bytes lie before the next record. */
  #visitRest(
    visit: (offset: number, length: number, kind: number) => unknown,
    visited: (bytes: number) => void,
  ): void {
    const { serial, used } = this
    const capacity = this.bytes.length
    let passed = this.taken
    // Within `visit` the batch may be given back.
    for (let more = true; more && passed < used && this.serial === serial; ) {
      const index = (this.position + passed) & (capacity - 1)
      const length = this.#words[index >> 2] as number
      const kind = this.#words[(index >> 2) + 1] as number
      const after = behind(index + RECORD_HEADER, length, Math.min(index + used - passed, capacity))
      passed += after - index
      if (kind !== PAD) {
        more = visit(index + RECORD_HEADER, length, kind >>> 0) !== false
        if (this.serial === serial) visited(passed)
      } else if (after !== capacity) throw padded()
    }
  }

  /** Leaves behind all but the newest record, and returns how many those were; with no record, everything. */
  skip(): number {
    let records = 0
    let newest = 0
    let last = 0
    this.forEach((offset, length) => {
      records++
      newest = offset
      last = length
    })
    if (records === 0) {
      this.pass()
      return 0
    }
    const before = (newest - RECORD_HEADER - this.position) & (this.bytes.length - 1)
    this.position = (this.position + before) | 0
    this.set(RECORD_HEADER + ((last + 7) & -8))
    return records - 1
  }
}

/** Where the next record begins, behind the payload of `length` bytes; `end` is where the span or the data ends. */
function behind(payload: number, length: number, end: number): number {
  if (length < 0 || length > end - payload) throw corrupt(`a record of ${length >>> 0} bytes is too long`)
  return payload + ((length + 7) & -8) // not beyond the end, which is a multiple of 8 too
}

function padded(): PendshareError {
  return corrupt('it is padded where its data does not end')
}
