/**
 * The layout of a ring in shared memory, as `drivers/include/pendshare/ring.h` fixes it: offsets, bounds, and how a
 * share is divided into rings. Golden vectors hold the two files together.
 *
 * Positions are free-running u32 counts of bytes, kept here as int32: only their differences and low bits mean anything.
 */
import { PendshareError } from '../errors.ts'

export const RING_MAGIC = 0x31525350
export const RING_VERSION = 2
/** Of a ring in which there may be runs: readers that do not know them refuse it. */
export const RING_VERSION_RUNS = 3
export const RING_MIN_CAPACITY = 4096
export const RING_MAX_CAPACITY = 0x4000_0000
/** Bytes from the start of a ring to its data. */
export const RING_DATA = 4096
/** Bytes of a record before its payload: u32 length, u32 kind. */
export const RECORD_HEADER = 8
/** Kind of a record that fills the rest of the data area, before the next record starts at its beginning. */
export const RECORD_PAD = 0xffff_ffff
/**
 * Bit of a record's length: records were dropped before it. The count of all drops until then, u32 dropped and a u32 that is 0, comes
 * before its payload, or within that of a padding.
 */
export const RECORD_GAP = 0x8000_0000
/** Bytes of that count. */
export const GAP_BYTES = 8
/**
 * Bit of a record's length: it is a run of equal samples. The bytes of a sample, which divide that length, come before its payload, after
 * a gap: u32 stride and a u32 that is 0. The samples follow one another without header or padding.
 */
export const RECORD_RUN = 0x4000_0000
/** Bytes of that stride. */
export const RUN_BYTES = 8

/** Indices of the header's fields, in 32-bit words. */
export const MAGIC = 0
export const VERSION = 1
export const CAPACITY = 2
export const PRODUCER = 16
export const DROPPED = 17
export const MISSED = 18
export const CONSUMER = 32
export const KNOWN = 33
export const TAKEN = 34
export const WAKE = 48
export const HEADER_WORDS = 64

/** The largest capacity, in bytes of data, of a ring in so many bytes of memory; 0 when not even the smallest fits. */
export function ringCapacity(bytes: number): number {
  let capacity = RING_MAX_CAPACITY
  while (capacity >= RING_MIN_CAPACITY && capacity + RING_DATA > bytes) capacity /= 2
  return capacity >= RING_MIN_CAPACITY ? capacity : 0
}

/** The longest payload, in bytes, of a record: it fits an empty ring at any position. */
export function maxPayload(capacity: number): number {
  return capacity / 2 - RECORD_HEADER
}

/**
 * The memory of ring `index` of a share with `count` rings: the whole share, or its halves, cut at a multiple of 4096
 * bytes; ring 0 comes from the kernel, ring 1 goes to it.
 */
export function ringMemory(share: Uint8Array, index: 0 | 1, count: 1 | 2): Uint8Array {
  if (count === 1) return share
  const half = Math.floor(share.length / 2 / 4096) * 4096
  return index === 0 ? share.subarray(0, half) : share.subarray(half, 2 * half)
}

/**
 * Writes the header of an empty ring that takes as much of the memory as it can, before anyone else knows of the ring:
 * what a driver does. Its consumer counts as asleep until it first looks, so that the first publish rings it.
 * `runs`: what is pushed becomes runs, and readers that do not know them refuse the ring; else each is a record of its own.
 */
export function formatRing(memory: Uint8Array, { runs = false }: { readonly runs?: boolean } = {}): void {
  const header = ringHeader(memory)
  header.fill(0)
  header[VERSION] = runs ? RING_VERSION_RUNS : RING_VERSION
  header[CAPACITY] = ringCapacity(memory.length)
  header[WAKE] = 1
  Atomics.store(header, MAGIC, RING_MAGIC)
}

/** The 32-bit words of a ring's header. */
export function ringHeader(memory: Uint8Array): Int32Array {
  if (ringCapacity(memory.length) === 0 || memory.byteOffset % 8 !== 0) {
    throw new PendshareError(
      'ERR_PENDSHARE_INVALID_ARGUMENT',
      `a ring needs at least ${RING_DATA + RING_MIN_CAPACITY} bytes of memory aligned to 8, not ${memory.length} at offset ${memory.byteOffset}`,
    )
  }
  return new Int32Array(memory.buffer, memory.byteOffset, HEADER_WORDS)
}

/** The ring's data area as bytes and as words. Throws `ERR_PENDSHARE_RING_CORRUPT` when the memory holds no ring. */
export function ringData(memory: Uint8Array, header: Int32Array): { bytes: Uint8Array; words: Int32Array } {
  const capacity = Atomics.load(header, CAPACITY)
  if (Atomics.load(header, MAGIC) !== RING_MAGIC) throw corrupt('no ring was laid out in this memory')
  const version = header[VERSION]
  if (version !== RING_VERSION && version !== RING_VERSION_RUNS) {
    throw corrupt(
      `its version is ${version}, and this library reads ${RING_VERSION} and ${RING_VERSION_RUNS}`,
    )
  }
  // A power of two between the bounds: nothing else passes, negative or huge.
  const fits = capacity >= RING_MIN_CAPACITY && capacity <= ringCapacity(memory.length)
  if (!fits || (capacity & (capacity - 1)) !== 0) {
    throw corrupt(`capacity ${capacity >>> 0} does not fit ${memory.length} bytes`)
  }
  const offset = memory.byteOffset + RING_DATA
  return {
    bytes: new Uint8Array(memory.buffer, offset, capacity),
    words: new Int32Array(memory.buffer, offset, capacity / 4),
  }
}

export function corrupt(what: string): PendshareError {
  return new PendshareError('ERR_PENDSHARE_RING_CORRUPT', `the ring is unusable: ${what}; end the share`)
}
