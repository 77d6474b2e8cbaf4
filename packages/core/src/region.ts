/**
 * Memory that is safe to lend: whole pages that JavaScript can neither free, move, shrink nor detach.
 *
 * A growable SharedArrayBuffer has pages of its own in V8, so it is page-aligned, and nothing can detach it. It
 * is always seen through a fixed-length view: one that tracks its buffer's length is about 100 times slower.
 * Where a buffer starts in memory JavaScript cannot see; the backend checks the address itself.
 */
import { types } from 'node:util'
import { Serializer } from 'node:v8'
import { PendshareError } from './errors.ts'
import { byteCount, parse, type RegionOptions, regionOptions, regionView } from './schemas.ts'

const PAGE_BYTES = 4096
const LENGTH_TRACKING = 1

/** Regions of one buffer that are lent now, by rising offset. They never overlap. */
const lentByBuffer = new WeakMap<ArrayBufferLike, Region[]>()

/**
 * For the package only. Marks a region as lent, or throws `ERR_PENDSHARE_REGION_IN_USE`, `ERR_PENDSHARE_DETACHED`,
 * `ERR_PENDSHARE_UNALIGNED`.
 */
export let lend: (region: Region, pageBytes: number) => void
/** For the package only. Marks a lent region as free again. */
export let takeBack: (region: Region) => void
/** For the package only. A region of memory that a backend made, which vouches for it. */
export let adopt: (memory: Uint8Array) => Region

export class Region {
  /** The memory, through a fixed-length view. Post this to workers, never its `buffer`. */
  readonly memory: Uint8Array
  /** Length in bytes, whole pages. */
  readonly bytes: number
  readonly #start: number
  readonly #lent: Region[]
  /** Set where the buffer can be detached. */
  readonly #owned: ArrayBuffer | undefined
  #inUse = false

  static {
    lend = (region, pageBytes) => region.#lend(pageBytes)
    takeBack = (region) => region.#takeBack()
    adopt = (memory) => new Region(memory)
  }

  private constructor(memory: Uint8Array) {
    this.memory = memory
    this.bytes = memory.byteLength
    this.#start = memory.byteOffset
    this.#owned = types.isArrayBuffer(memory.buffer) ? memory.buffer : undefined
    let lent = lentByBuffer.get(memory.buffer)
    if (lent === undefined) {
      lent = []
      lentByBuffer.set(memory.buffer, lent)
    }
    this.#lent = lent
  }

  /**
   * New zeroed memory, `bytes` long: a positive multiple of the page size.
   *
   * @throws PendshareError `ERR_PENDSHARE_INVALID_ARGUMENT`, `ERR_PENDSHARE_UNALIGNED`, `ERR_PENDSHARE_NO_MEMORY`
   */
  static allocate(bytes: number): Region {
    const length = parse(byteCount, bytes, 'Region.allocate()', ['bytes'])
    checkPages(0, length, PAGE_BYTES)
    try {
      return new Region(new Uint8Array(new SharedArrayBuffer(length, { maxByteLength: length }), 0, length))
    } catch (cause) {
      const message = `cannot allocate ${length} bytes; lend less memory, or free some`
      throw new PendshareError('ERR_PENDSHARE_NO_MEMORY', message, { cause })
    }
  }

  /**
   * The memory of `view`, which stays the caller's: a fixed-length view of whole pages of a SharedArrayBuffer
   * that was made with `maxByteLength`. With `trustDetachable` also a view of an ArrayBuffer at a page boundary.
   *
   * @throws PendshareError `ERR_PENDSHARE_INVALID_ARGUMENT`, `ERR_PENDSHARE_DETACHED`, `ERR_PENDSHARE_RESIZABLE`,
   * `ERR_PENDSHARE_DETACHABLE`, `ERR_PENDSHARE_UNALIGNED`
   */
  static from(view: Uint8Array, options: RegionOptions = {}): Region {
    const checked = parse(regionView, view, 'Region.from()', ['view'])
    const { trustDetachable } = parse(regionOptions, options, 'Region.from()')
    checkBuffer(checked.buffer, trustDetachable)
    if (types.isSharedArrayBuffer(checked.buffer) && checked.buffer.growable && tracksLength(checked)) {
      throw new PendshareError(
        'ERR_PENDSHARE_RESIZABLE',
        'a view that tracks the length of its buffer is slow; give it a length: new Uint8Array(buffer, offset, length)',
      )
    }
    parse(byteCount, checked.byteLength, 'Region.from()', ['view', 'byteLength'])
    checkPages(checked.byteOffset, checked.byteLength, PAGE_BYTES)
    return new Region(new Uint8Array(checked.buffer, checked.byteOffset, checked.byteLength))
  }

  /** Whether a share has this region now. */
  get lent(): boolean {
    return this.#inUse
  }

  #lend(pageBytes: number): void {
    if (this.#owned?.detached) throw detachedError()
    checkPages(this.#start, this.bytes, pageBytes)
    const lent = this.#lent
    const at = this.#position()
    const before = at > 0 ? lent[at - 1] : undefined // index -1 is a slow look-up by name
    const after = lent[at]
    if (
      (before !== undefined && before.#start + before.bytes > this.#start) ||
      (after !== undefined && after.#start < this.#start + this.bytes)
    ) {
      throw new PendshareError(
        'ERR_PENDSHARE_REGION_IN_USE',
        'this region, or one that overlaps it, is lent already; await the end of that share first',
      )
    }
    if (after === undefined) lent.push(this)
    else lent.splice(at, 0, this)
    this.#inUse = true
  }

  #takeBack(): void {
    const lent = this.#lent
    if (lent.length === 1) lent.pop()
    else lent.splice(this.#position(), 1)
    this.#inUse = false
  }

  /** Where this region stands, or would stand, among the lent ones of its buffer. */
  #position(): number {
    let low = 0
    let high = this.#lent.length
    while (low < high) {
      const middle = (low + high) >>> 1
      // middle < length, so there is a region.
      if ((this.#lent[middle] as Region).#start < this.#start) low = middle + 1
      else high = middle
    }
    return low
  }
}

function checkBuffer(buffer: ArrayBufferLike, trustDetachable: boolean): void {
  if (!types.isArrayBuffer(buffer)) return
  if (buffer.detached) throw detachedError()
  if (buffer.resizable) {
    throw new PendshareError(
      'ERR_PENDSHARE_RESIZABLE',
      'a resizable ArrayBuffer can shrink while it is lent; use Region.allocate()',
    )
  }
  if (!trustDetachable) {
    throw new PendshareError(
      'ERR_PENDSHARE_DETACHABLE',
      'an ArrayBuffer or Buffer can be detached while it is lent; use Region.allocate(), or pass ' +
        '{ trustDetachable: true } and see to it that nothing transfers it',
    )
  }
}

/** Throws `ERR_PENDSHARE_UNALIGNED` unless both are multiples of the page size. */
export function checkPages(offset: number, bytes: number, pageBytes: number): void {
  if (bytes % pageBytes === 0 && offset % pageBytes === 0) return
  const whole = Math.ceil(bytes / pageBytes) * pageBytes
  throw new PendshareError(
    'ERR_PENDSHARE_UNALIGNED',
    `${bytes} bytes at offset ${offset} are not whole pages of ${pageBytes} bytes; ` +
      `the next length is ${whole}, and Region.allocate() aligns it`,
  )
}

function detachedError(): PendshareError {
  return new PendshareError('ERR_PENDSHARE_DETACHED', 'the ArrayBuffer is detached; its memory is gone')
}

class ViewSerializer extends Serializer {
  /** Called by V8 instead of refusing a SharedArrayBuffer. */
  _getSharedArrayBufferId(): number {
    return 0
  }
}

/**
 * Whether the view has no length of its own. No property tells; V8's serialized form of a view ends with flags
 * that do.
 */
function tracksLength(view: Uint8Array): boolean {
  const serializer = new ViewSerializer()
  serializer.writeValue(view)
  return ((serializer.releaseBuffer().at(-1) ?? 0) & LENGTH_TRACKING) !== 0
}
