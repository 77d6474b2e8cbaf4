import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { CONSUMER, DROPPED, MISSED, PRODUCER } from '../../src/ring/layout.ts'
import { RingWriter } from '../../src/ring/writer.ts'
import { pair, ring, words } from './ring.ts'

const CORRUPT = { code: 'ERR_PENDSHARE_RING_CORRUPT' }

describe('RingWriter', () => {
  it('shows nothing before it publishes', () => {
    const memory = ring()
    const writer = new RingWriter(memory)
    assert(writer.write(Uint8Array.of(1)))
    assert.equal(words(memory)[PRODUCER], 0)
    writer.publish()
    assert.equal(words(memory)[PRODUCER], 16)
  })

  it('says of room what reserve does, without counting', () => {
    const { writer, header } = pair()
    assert(writer.room(writer.maxPayload))
    assert(!writer.room(writer.maxPayload + 1))
    for (const length of [2040, 2040]) {
      assert(writer.room(length))
      assert(writer.reserve(length) > 0)
    }
    assert(!writer.room(0))
    assert.equal(header[DROPPED], 0)
    assert.equal(writer.reserve(0), -1)
    assert.equal(writer.reserve(2 ** 40), -1)
    assert.equal(header[DROPPED], 2)
    assert.equal(writer.dropped, 2)
  })

  it('writes on where the last writer left off', () => {
    const memory = ring()
    const first = new RingWriter(memory)
    first.reserve(100)
    first.reserve(5000)
    first.miss(3)
    first.publish()
    const second = new RingWriter(memory)
    assert.equal(second.dropped, 1)
    assert.equal(second.missed, 3)
    assert.equal(second.reserve(4), 128) // it tells of the drop
  })

  it('takes back room only when it needs some', () => {
    const { writer, header } = pair()
    header[CONSUMER] = 12_345
    assert(writer.reserve(2040) > 0)
    assert(writer.reserve(2040) > 0)
    assert.throws(() => writer.reserve(0), CORRUPT)
    assert.throws(() => writer.room(0), CORRUPT)
  })

  it('refuses a ring whose positions contradict each other', () => {
    for (const [producer, consumer] of [
      [0, 8],
      [4104, 0],
      [4, 0],
    ] as const) {
      const memory = ring()
      words(memory)[PRODUCER] = producer
      words(memory)[CONSUMER] = consumer
      assert.throws(() => new RingWriter(memory), CORRUPT)
    }
  })

  it('counts drops and misses modulo 2^32', () => {
    const memory = ring()
    words(memory)[DROPPED] = -1
    words(memory)[MISSED] = -2
    const writer = new RingWriter(memory)
    assert.equal(writer.dropped, 2 ** 32 - 1)
    writer.reserve(5000)
    assert.equal(writer.dropped, 0)
    assert.equal(writer.missed, 2 ** 32 - 2)
    writer.miss(5)
    assert.equal(writer.missed, 3)
    writer.miss(2 ** 33 + 1) // what a timer missed is not bounded by a word
    assert.equal(words(memory)[MISSED], 4)
  })
})
