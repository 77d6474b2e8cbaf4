/** The part of a ring that its consumer has now, and the walk over the records in it. */
import type { PendshareError } from '../errors.ts'
import { corrupt, GAP_BYTES, RECORD_HEADER } from './layout.ts'

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
  /** Records that were dropped before the first of the span, and since the last one of the span before. */
  dropped = 0
  /** All drops that spans have told of, as the producer counts. */
  known: number
  /** Bytes that `take()` has taken; `undefined`: it was not called, and all counts as taken. */
  #taken: number | undefined

  /** Throws when the memory is no longer the ring's: a span can be looked at long after it was set. */
  readonly check: () => void

  constructor(bytes: Uint8Array, words: Int32Array, position: number, known: number, check: () => void) {
    this.bytes = bytes
    this.#words = words
    this.position = position
    this.known = known
    this.check = check
  }

  /** From now on the span has the `used` bytes from its position on. */
  set(used: number): void {
    this.used = used
    this.serial++
    this.dropped = 0
    this.#taken = undefined
  }

  /**
   * Looks for gaps: the span ends before the first that does not come before its first record, and knows what was dropped before that.
   * With `all` it keeps its end, and knows what was dropped before its last record.
   */
  tellDrops(all: boolean): void {
    const end = this.used
    let records = 0
    for (let passed = 0; passed < end; ) {
      const record = this.#recordAt(passed, end)
      if (record.gap !== undefined) {
        if (records > 0 && !all) {
          this.used = passed
          return
        }
        const told = this.#words[record.gap >> 2] as number
        this.dropped += (told - this.known) >>> 0
        this.known = told
      }
      if (record.kind !== PAD) records++
      passed += record.span
    }
  }

  /** The record that begins so many bytes after the first, and as many before `end`. */
  #recordAt(
    passed: number,
    end: number,
  ): { payload: number; length: number; kind: number; span: number; gap: number | undefined } {
    const index = (this.position + passed) & (this.bytes.length - 1)
    const limit = Math.min(index + end - passed, this.bytes.length)
    const word = this.#words[index >> 2] as number
    const kind = this.#words[(index >> 2) + 1] as number
    const length = word & LENGTH
    const gap = word < 0 ? index + RECORD_HEADER : undefined
    // The gap of a padding lies within its length.
    const payload = index + RECORD_HEADER + (word < 0 && kind !== PAD ? GAP_BYTES : 0)
    const after = behind(payload, length, limit)
    if (kind === PAD && (after !== this.bytes.length || (word < 0 && length < GAP_BYTES))) throw padded()
    return { payload, length, kind, span: after - index, gap }
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
      let length = words[index >> 2] as number
      const kind = words[(index >> 2) + 1] as number
      let payload = index + RECORD_HEADER
      if (length < 0) {
        length &= LENGTH
        if (kind !== PAD) payload += GAP_BYTES
        else if (length < GAP_BYTES) throw padded()
      }
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
    let passed = this.taken
    // Within `visit` the batch may be given back.
    for (let more = true; more && passed < used && this.serial === serial; ) {
      const { payload, length, kind, span } = this.#recordAt(passed, used)
      passed += span
      if (kind === PAD) continue
      more = visit(payload, length, kind >>> 0) !== false
      if (this.serial === serial) visited(passed)
    }
  }

  /** Leaves behind all but the newest record, and returns how many those were; with no record, everything. */
  skip(): number {
    const { used, dropped } = this
    let records = 0
    let newest = 0
    let end = 0
    for (let passed = 0; passed < used; ) {
      const { kind, span } = this.#recordAt(passed, used)
      if (kind !== PAD) {
        records++
        newest = passed
        end = passed + span
      }
      passed += span
    }
    if (records === 0) {
      this.pass()
      return 0
    }
    this.position = (this.position + newest) | 0
    this.set(end - newest)
    this.dropped = dropped
    return records - 1
  }
}

/** What a length has besides the bit that says that there is a gap. */
const LENGTH = 0x7fff_ffff

/** Where the next record begins, behind the payload of `length` bytes; `end` is where the span or the data ends. */
function behind(payload: number, length: number, end: number): number {
  if (length > end - payload) throw corrupt(`a record of ${length >>> 0} bytes is too long`)
  return payload + ((length + 7) & -8) // not beyond the end, which is a multiple of 8 too
}

function padded(): PendshareError {
  return corrupt('it is padded where its data does not end')
}
