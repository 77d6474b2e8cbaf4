import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import {
  CAPACITY,
  formatRing,
  MAGIC,
  maxPayload,
  ringCapacity,
  ringData,
  ringHeader,
  ringMemory,
  VERSION,
} from '../../src/ring/layout.ts'
import { ring } from './ring.ts'

describe('ringCapacity()', () => {
  const cases: [bytes: number, capacity: number][] = [
    [0, 0],
    [4096, 0],
    [8191, 0],
    [8192, 4096],
    [12_287, 4096],
    [12_288, 8192],
    [1 << 20, 1 << 19],
    [2 ** 30, 2 ** 29],
    [2 ** 30 + 4096, 2 ** 30],
    [2 ** 40, 2 ** 30],
  ]
  for (const [bytes, capacity] of cases) {
    it(`of ${bytes} bytes is ${capacity}`, () => assert.equal(ringCapacity(bytes), capacity))
  }

  it('leaves a record of the longest payload room at any position', () => {
    for (let index = 0; index < 4096; index += 8) {
      const span = maxPayload(4096) + 8
      const rest = 4096 - index
      assert(span + (span > rest ? rest : 0) <= 4096)
    }
  })
})

describe('ringMemory()', () => {
  it('cuts a share of two rings at whole pages, the rest is unused', () => {
    const share = new Uint8Array(5 * 4096)
    assert.equal(ringMemory(share, 0, 1), share)
    const first = ringMemory(share, 0, 2)
    const second = ringMemory(share, 1, 2)
    assert.deepEqual([first.byteOffset, first.length], [0, 8192])
    assert.deepEqual([second.byteOffset, second.length], [8192, 8192])
  })
})

describe('a ring that was not laid out', () => {
  it('is refused when it is too small or not aligned', () => {
    const code = { code: 'ERR_PENDSHARE_INVALID_ARGUMENT' }
    assert.throws(() => ringHeader(new Uint8Array(8191)), code)
    assert.throws(() => ringHeader(new Uint8Array(new ArrayBuffer(8196), 4)), code)
  })

  const wrong: [what: string, word: number, value: number][] = [
    ['magic', MAGIC, 1],
    ['version', VERSION, 1],
    ['capacity that is 0', CAPACITY, 0],
    ['capacity below the least', CAPACITY, 2048],
    ['capacity beyond the memory', CAPACITY, 8192],
    ['capacity that is no power of two', CAPACITY, 4104],
    ['capacity with the highest bit set', CAPACITY, 0x8000_0000],
  ]
  for (const [what, word, value] of wrong) {
    it(`is corrupt: ${what}`, () => {
      const memory = ring()
      const header = ringHeader(memory)
      header[word] = value
      assert.throws(() => ringData(memory, header), { code: 'ERR_PENDSHARE_RING_CORRUPT' })
    })
  }

  it('is laid out over whatever was there', () => {
    const memory = new Uint8Array(8192).fill(0xa5)
    formatRing(memory)
    assert.equal(ringData(memory, ringHeader(memory)).bytes.length, 4096)
    assert(memory.subarray(196, 256).every((byte) => byte === 0))
  })
})
