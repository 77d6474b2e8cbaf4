/**
 * The layout of frames in shared memory, as `drivers/include/pendshare/frames.h` fixes it. Golden vectors hold the two files
 * together.
 *
 * Positions are free-running u32 counts of entries, kept here as int32: only their differences and low bits mean anything.
 */
import { PendshareError } from '../errors.ts'

export const FRAMES_MAGIC = 0x31465350
export const FRAMES_VERSION = 1
export const FRAMES_MAX_COUNT = 4096
export const FRAMES_MAX_BYTES = 0x4000_0000
/** Bytes from the start of the share to the queue to the owner; that to the kernel follows. */
export const FRAMES_QUEUES = 512
/** 32-bit words of an entry: slot, bytes, sequence low, high, time stamp low, high, flags, reserved. */
export const ENTRY_WORDS = 8
/** Flag of an entry: a slot without content. */
export const FRAME_EMPTY = 1
/** The flags that are free for the peer, or for the owner, to use. */
export const FRAME_OWN_FLAGS = 0xffff_0000

/** Indices of the header's fields, in 32-bit words. */
export const MAGIC = 0
export const VERSION = 1
export const COUNT = 2
export const ENTRIES = 3
export const BYTES = 4
export const DATA = 5
export const PLAYBACK = 6
export const TO_USER = 16
export const OVERRUNS = 17
export const MISSED = 18
export const TO_KERNEL = 32
export const TAKEN = 33
export const USER_WAKE = 48
export const KERNEL_WAKE = 64

/** Entries of a queue with room for `count` slots: a power of two. */
export function framesEntries(count: number): number {
  return count <= 1 ? 1 : 2 ** (32 - Math.clz32(count - 1))
}

/** Bytes from the start of the share to its first slot. */
export function framesData(count: number, pageSize: number): number {
  const used = FRAMES_QUEUES + 2 * framesEntries(count) * ENTRY_WORDS * 4
  return Math.ceil(used / pageSize) * pageSize
}

/** Bytes that a share of `count` slots of `bytes` takes. */
export function framesLength(count: number, bytes: number, pageSize: number): number {
  return framesData(count, pageSize) + count * bytes
}

/** Where the parts of the frames in a share lie. */
export interface FramesLayout {
  readonly count: number
  readonly bytes: number
  readonly playback: boolean
  readonly header: Int32Array
  readonly toUser: Int32Array
  readonly toKernel: Int32Array
  /** The slots, each as a view of its own. */
  readonly slots: readonly Uint8Array[]
}

/**
 * Lays frames out, before anyone else knows of them: what a driver does. With `playback` the owner has all slots at first, else the
 * kernel. The owner counts as asleep until it first looks.
 */
export function formatFrames(
  memory: Uint8Array,
  { count, bytes, pageSize, playback }: { count: number; bytes: number; pageSize: number; playback: boolean },
): void {
  const data = framesData(count, pageSize)
  const words = new Int32Array(memory.buffer, memory.byteOffset, data / 4)
  const entries = framesEntries(count)
  words.fill(0)
  const queue = FRAMES_QUEUES / 4 + (playback ? 0 : entries * ENTRY_WORDS)
  for (let slot = 0; slot < count; slot++) {
    words[queue + slot * ENTRY_WORDS] = slot
    words[queue + slot * ENTRY_WORDS + 6] = FRAME_EMPTY
  }
  words[VERSION] = FRAMES_VERSION
  words[COUNT] = count
  words[ENTRIES] = entries
  words[BYTES] = bytes
  words[DATA] = data
  words[PLAYBACK] = playback ? 1 : 0
  words[playback ? TO_USER : TO_KERNEL] = count
  words[USER_WAKE] = 1
  Atomics.store(words, MAGIC, FRAMES_MAGIC)
}

/** Throws `ERR_PENDSHARE_FRAMES_CORRUPT` when the memory holds no frames, or such as do not fit it. */
export function readLayout(memory: Uint8Array): FramesLayout {
  if (memory.byteOffset % 8 !== 0 || memory.length < FRAMES_QUEUES) throw corrupt('the memory is too short')
  const header = new Int32Array(memory.buffer, memory.byteOffset, FRAMES_QUEUES / 4)
  if (Atomics.load(header, MAGIC) !== FRAMES_MAGIC) throw corrupt('none were laid out in this memory')
  if (header[VERSION] !== FRAMES_VERSION) throw corrupt(`version ${header[VERSION]} is not ${FRAMES_VERSION}`)
  const count = Number(header[COUNT])
  const bytes = Number(header[BYTES])
  const data = Number(header[DATA])
  if (count < 1 || count > FRAMES_MAX_COUNT) throw corrupt(`there are not ${count} slots`)
  if (bytes < 1 || data < framesData(count, 8) || data + count * bytes > memory.length)
    throw corrupt(`${count} slots of ${bytes} bytes do not fit ${memory.length} bytes from ${data} on`)
  const entries = framesEntries(count)
  const queue = (index: number) =>
    new Int32Array(
      memory.buffer,
      memory.byteOffset + FRAMES_QUEUES + index * entries * ENTRY_WORDS * 4,
      entries * ENTRY_WORDS,
    )
  return {
    count,
    bytes,
    playback: header[PLAYBACK] === 1,
    header,
    toUser: queue(0),
    toKernel: queue(1),
    slots: Array.from(
      { length: count },
      (_, slot) => new Uint8Array(memory.buffer, memory.byteOffset + data + slot * bytes, bytes),
    ),
  }
}

export function corrupt(what: string): PendshareError {
  return new PendshareError('ERR_PENDSHARE_FRAMES_CORRUPT', `the frames are unusable: ${what}; end the share`)
}
