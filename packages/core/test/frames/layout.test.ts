import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'vitest'
import * as layout from '../../src/frames/layout.ts'
import { CORRUPT } from './kernel.ts'

const { formatFrames, framesData, framesEntries, framesLength, readLayout } = layout
const PAGE = 4096

function formatted(count = 3, bytes = PAGE, playback = false): Uint8Array {
  const memory = new Uint8Array(new SharedArrayBuffer(framesLength(count, bytes, PAGE)))
  formatFrames(memory, { count, bytes, pageSize: PAGE, playback })
  return memory
}

const header = await readFile(
  new URL('../../../../drivers/include/pendshare/frames.h', import.meta.url),
  'utf8',
)

describe('the layout is that of frames.h', () => {
  it('with its numbers', () => {
    const numbers = {
      FRAMES_MAGIC: layout.FRAMES_MAGIC,
      FRAMES_VERSION: layout.FRAMES_VERSION,
      FRAMES_MAX_COUNT: layout.FRAMES_MAX_COUNT,
      FRAMES_MAX_BYTES: layout.FRAMES_MAX_BYTES,
      FRAMES_QUEUES: layout.FRAMES_QUEUES,
      FRAME_EMPTY: layout.FRAME_EMPTY,
      FRAME_OWN_FLAGS: layout.FRAME_OWN_FLAGS,
    }
    for (const [name, value] of Object.entries(numbers)) {
      const defined = header.match(new RegExp(`#define PENDSHARE_${name} (\\w+?)u\\b`))?.[1]
      assert.equal(Number(defined), value, name)
    }
  })

  it('with the fields of its header where they are', () => {
    const body = header.match(/struct pendshare_frames_shared \{(.*?)\n\};/s)?.[1] ?? ''
    let word = 0
    const fields = new Map<string, number>()
    for (const [, name = '', words = '1'] of body.matchAll(/__u32 (\w+)(?:\[(\d+)\])?;/g)) {
      fields.set(name.toUpperCase(), word)
      word += Number(words)
    }
    assert.equal(word * 4, layout.FRAMES_QUEUES)
    const { MAGIC, VERSION, COUNT, ENTRIES, BYTES, DATA, PLAYBACK } = layout
    const { TO_USER, OVERRUNS, MISSED, TO_KERNEL, TAKEN, USER_WAKE, KERNEL_WAKE } = layout
    const once = { MAGIC, VERSION, COUNT, ENTRIES, BYTES, DATA, PLAYBACK }
    const live = { TO_USER, OVERRUNS, MISSED, TO_KERNEL, TAKEN, USER_WAKE, KERNEL_WAKE }
    for (const [name, at] of Object.entries({ ...once, ...live })) assert.equal(at, fields.get(name), name)
  })
})

it('queues have room for all slots: a power of two', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 64, 65, 4096].map(framesEntries), [1, 2, 4, 4, 8, 64, 128, 4096])
})

it('slots begin at a page behind the queues', () => {
  assert.deepEqual(
    [1, 56, 57, 64, 65].map((count) => framesData(count, PAGE)),
    [4096, 8192, 8192, 8192, 12288],
  )
  assert.equal(framesData(32, 65536), 65536)
  assert.equal(framesLength(3, 2 * PAGE, PAGE), PAGE + 6 * PAGE)
})

it('all slots are the kernel’s at first for capture, the owner’s for playback, and the owner counts as asleep', () => {
  for (const playback of [false, true]) {
    const memory = formatted(3, PAGE, playback)
    const read = readLayout(memory)
    assert.deepEqual([read.count, read.bytes, read.playback], [3, PAGE, playback])
    assert.equal(read.header[playback ? layout.TO_USER : layout.TO_KERNEL], 3)
    assert.equal(read.header[playback ? layout.TO_KERNEL : layout.TO_USER], 0)
    assert.equal(read.header[layout.USER_WAKE], 1)
    assert.equal(read.header[layout.KERNEL_WAKE], 0)
    const queue = playback ? read.toUser : read.toKernel
    for (let slot = 0; slot < 3; slot++)
      assert.deepEqual([...queue.subarray(slot * 8, slot * 8 + 8)], [slot, 0, 0, 0, 0, 0, 1, 0])
    assert.deepEqual(
      read.slots.map(({ byteOffset, length }) => [byteOffset, length]),
      [1, 2, 3].map((page) => [page * PAGE, PAGE]),
    )
  }
})

it('memory that holds no frames, or such as do not fit it, is refused', () => {
  const spoils: [word: number, value: number][] = [
    [layout.MAGIC, 0],
    [layout.VERSION, 2],
    [layout.COUNT, 0],
    [layout.COUNT, -1],
    [layout.COUNT, 4097],
    [layout.COUNT, 4],
    [layout.BYTES, 0],
    [layout.BYTES, -4096],
    [layout.BYTES, 2 * PAGE],
    [layout.DATA, 0],
    [layout.DATA, 2 * PAGE],
    [layout.DATA, -PAGE],
  ]
  for (const [word, value] of spoils) {
    const memory = formatted()
    new Int32Array(memory.buffer)[word] = value
    assert.throws(() => readLayout(memory), CORRUPT, `word ${word} is ${value}`)
  }
  assert.throws(() => readLayout(formatted().subarray(0, 256)), CORRUPT)
  assert.throws(() => readLayout(formatted().subarray(4)), CORRUPT)
  assert.throws(() => readLayout(formatted().subarray(0, 3 * PAGE)), CORRUPT)
})
