/** The part of a ring that its consumer has now, and the walk over the records in it. */
import type { PendshareError } from '../errors.ts'
import { corrupt, GAP_BYTES, RECORD_GAP, RECORD_HEADER, RECORD_RUN, RUN_BYTES } from './layout.ts'

type Visit = (offset: number, length: number, kind: number) => void
type VisitRun = (offset: number, count: number, stride: number, kind: number) => void

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
  /** Bytes of the first record's payload that were taken before, samples of a run; of no other record any can be. */
  first: number
  /** Another one for each batch: what was made for an earlier one is stale. */
  serial = 0
  /** Records that were dropped before the first of the span, and since the last one of the span before. */
  dropped = 0
  /** All drops that spans have told of, as the producer counts. */
  known: number
  /** Bytes of whole records that `take()` has taken; `undefined`: it was not called, and all counts as taken. */
  #taken: number | undefined
  /** Bytes of the payload behind them that are taken. */
  #within = 0

  /** Throws when the memory is no longer the ring's: a span can be looked at long after it was set. */
  readonly check: () => void

  constructor(
    bytes: Uint8Array,
    words: Int32Array,
    { position, first, known }: { position: number; first: number; known: number },
    check: () => void,
  ) {
    this.bytes = bytes
    this.#words = words
    this.position = position
    this.first = first
    this.known = known
    this.check = check
  }

  /** From now on the span has the `used` bytes from its position on. */
  set(used: number): void {
    this.used = used
    this.serial++
    this.dropped = 0
    this.#taken = undefined
    this.#within = this.first
  }

  /**
   * Looks for gaps: the span ends before the first that does not come before its first record, and knows what was dropped before that.
   * With `all` it keeps its end, and knows what was dropped before its last record.
   */
  tellDrops(all: boolean): void {
    const end = this.used
    let records = 0
    for (let passed = 0; passed < end; ) {
      const record = this.#recordAt(passed, 0, end)
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

  /** The record that begins so many bytes after the first, and as many before `end`, without the first `within` bytes of its payload. */
  #recordAt(
    passed: number,
    within: number,
    end: number,
  ): {
    payload: number
    length: number
    stride: number
    kind: number
    span: number
    gap: number | undefined
  } {
    const index = (this.position + passed) & (this.bytes.length - 1)
    const limit = Math.min(index + end - passed, this.bytes.length)
    const word = this.#words[index >> 2] as number
    const kind = this.#words[(index >> 2) + 1] as number
    const whole = word & LENGTH
    const gap = (word & RECORD_GAP) !== 0 ? index + RECORD_HEADER : undefined
    const payload = index + RECORD_HEADER + before(word, kind)
    const after = behind(payload, whole, limit)
    if (kind === PAD && after !== this.bytes.length) throw padded()
    const stride = (word & RECORD_RUN) === 0 ? whole : this.#stride(payload, whole, within)
    const taken = (word & RECORD_RUN) === 0 ? 0 : within
    return { payload: payload + taken, length: whole - taken, stride, kind, span: after - index, gap }
  }

  /** Of the samples in a run whose payload begins there, of which `within` bytes are taken. */
  #stride(payload: number, length: number, within: number): number {
    const stride = this.#words[(payload - RUN_BYTES) >> 2] as number
    // A negative remainder is not 0 either, nor is that by 0.
    if (
      stride > 0 &&
      length > 0 &&
      length % stride === 0 &&
      within >= 0 &&
      within < length &&
      within % stride === 0
    )
      return stride
    throw corrupt(`a run of ${length} bytes has samples of ${stride >>> 0}`)
  }

  /** Leaves behind what was taken, and is empty. */
  pass(): void {
    this.position = (this.position + (this.#taken ?? this.used)) | 0
    this.first = this.#taken === undefined ? 0 : this.#within
    this.set(0)
  }

  /** Whether everything has been taken. */
  get empty(): boolean {
    return this.taken === this.used
  }

  /** Bytes of whole records that `take()` has taken. */
  get taken(): number {
    return this.#taken ?? 0
  }

  count(): number {
    let records = 0
    this.forEachRun((_offset, count) => {
      records += count
    })
    return records
  }

  forEach(visit: Visit): void {
    this.#forEach(visit, (offset, count, stride, kind) => {
      for (; count > 0; count--) {
        visit(offset, stride, kind)
        offset += stride
      }
    })
  }

  forEachRun(visit: VisitRun): void {
    this.#forEach((offset, length, kind) => visit(offset, 1, length, kind), visit)
  }

  #forEach(visit: Visit, visitRun: VisitRun): void {
    const capacity = this.bytes.length
    const start = this.position & (capacity - 1)
    const end = start + this.used
    this.#walk(start, Math.min(end, capacity), this.first, visit, visitRun)
    if (end > capacity) this.#walk(0, end - capacity, 0, visit, visitRun)
  }

  /** Visits the records from `index` to `end`, between which the data does not wrap, the first without so many bytes of a run. */
  #walk(index: number, end: number, within: number, visit: Visit, visitRun: VisitRun): void {
    const words = this.#words
    const capacity = this.bytes.length // asks the growable buffer each time
    while (index < end) {
      const word = words[index >> 2] as number
      const kind = words[(index >> 2) + 1] as number
      if ((word & FLAGS) === 0) {
        const payload = index + RECORD_HEADER
        index = behind(payload, word, end)
        if (kind !== PAD) visit(payload, word, kind >>> 0)
        else if (index !== capacity) throw padded()
      } else {
        const payload = index + RECORD_HEADER + before(word, kind)
        const length = word & LENGTH
        index = behind(payload, length, end)
        if (kind === PAD) {
          if (index !== capacity) throw padded()
        } else if ((word & RECORD_RUN) === 0) {
          visit(payload, length, kind >>> 0)
        } else {
          const stride = this.#stride(payload, length, within)
          visitRun(payload + within, (length - within) / stride, stride, kind >>> 0)
        }
      }
      within = 0
    }
  }

  /** Visits and takes records until `visit` returns `false`, that one included; how many. With `whole`, a run is one. */
  take(visit: (offset: number, length: number, kind: number) => unknown, whole = false): number {
    let records = 0
    this.#taken ??= 0
    this.#visitRest(visit, whole, (taken, within) => {
      this.#taken = taken
      this.#within = within
      records++
    })
    return records
  }

  /** Visits what is not taken, a run as a whole, until `visit` returns `false`. */
  peek(visit: (offset: number, length: number, kind: number) => unknown): void {
    this.#visitRest(visit, true, () => {})
  }

  /** `visited` is told how many bytes of whole records lie before the next, and how many of a payload behind them. */
  #visitRest(
    visit: (offset: number, length: number, kind: number) => unknown,
    whole: boolean,
    visited: (bytes: number, within: number) => void,
  ): void {
    const { serial, used } = this
    let passed = this.taken
    let within = this.#within
    // Within `visit` the batch may be given back.
    for (let more = true; more && passed < used && this.serial === serial; ) {
      const { payload, length, stride, kind, span } = this.#recordAt(passed, within, used)
      if (kind === PAD) {
        passed += span
        continue
      }
      const step = whole ? length : stride
      more = visit(payload, step, kind >>> 0) !== false
      within += step
      if (step === length) {
        passed += span
        within = 0
      }
      if (this.serial === serial) visited(passed, within)
    }
  }

  /** Leaves behind all but the newest record, and returns how many those were; with no record, everything. */
  skip(): number {
    const { used, dropped } = this
    let records = 0
    let newest = 0
    let first = 0
    let end = 0
    for (let passed = 0; passed < used; ) {
      const within = passed === 0 ? this.first : 0
      const { length, stride, kind, span } = this.#recordAt(passed, within, used)
      if (kind !== PAD) {
        records += stride === length ? 1 : length / stride
        newest = passed
        first = stride === length ? within : within + length - stride
        end = passed + span
      }
      passed += span
    }
    if (records === 0) {
      this.pass()
      return 0
    }
    this.position = (this.position + newest) | 0
    this.first = first
    this.set(end - newest)
    this.dropped = dropped
    return records - 1
  }
}

/** What a length has besides the bits that say what comes before the payload. */
const LENGTH = 0x3fff_ffff
const FLAGS = ~LENGTH

/** Bytes that lie between a header and the payload. */
function before(word: number, kind: number): number {
  if (kind !== PAD)
    return ((word & RECORD_GAP) !== 0 ? GAP_BYTES : 0) + ((word & RECORD_RUN) !== 0 ? RUN_BYTES : 0)
  // The gap of a padding lies within its length.
  if ((word & RECORD_RUN) !== 0 || ((word & RECORD_GAP) !== 0 && (word & LENGTH) < GAP_BYTES)) throw padded()
  return 0
}

/** Where the next record begins, behind the payload of `length` bytes; `end` is where the span or the data ends. */
function behind(payload: number, length: number, end: number): number {
  if (length > end - payload) throw corrupt(`a record of ${length >>> 0} bytes is too long`)
  return payload + ((length + 7) & -8) // not beyond the end, which is a multiple of 8 too
}

function padded(): PendshareError {
  return corrupt('it is padded where its data does not end')
}
