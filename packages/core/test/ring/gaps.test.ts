/** Where records were dropped: each batch says how many were dropped before it, exactly and once. */
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { RingReader } from '../../src/ring/reader.ts'
import { RingWriter } from '../../src/ring/writer.ts'
import { pair } from './ring.ts'

const LONG = 5000

describe('batch.dropped', () => {
  it('is 0 where nothing was', async () => {
    const { reader, send } = pair()
    const steps = reader.batches()
    for (const kind of [1, 2, 3]) {
      send(kind)
      assert.equal((await steps.next()).value?.dropped, 0)
    }
  })

  it('cuts the batches where records were dropped', async () => {
    const { reader, writer, send, bell } = pair()
    send(1, 2)
    writer.reserve(LONG)
    send(3)
    writer.reserve(LONG)
    writer.reserve(LONG)
    send(4, 5)
    writer.reserve(LONG)
    bell.end()
    const seen: unknown[] = []
    for await (const batch of reader.batches()) {
      const kinds: number[] = []
      batch.forEach((offset, length, kind) => {
        assert.deepEqual([...batch.bytes.subarray(offset, offset + length)], [kind])
        kinds.push(kind)
      })
      assert.equal(batch.records, kinds.length)
      seen.push([batch.dropped, kinds])
    }
    assert.deepEqual(seen, [
      [0, [1, 2]],
      [1, [3]],
      [2, [4, 5]],
    ])
    assert.equal(reader.dropped, 4)
  })

  it('is told once, also when the batch comes again, and by samples as by bytes', async () => {
    const { reader, writer, send } = pair()
    writer.reserve(LONG)
    send(1, 2)
    const steps = reader.samples(Uint8Array)
    const first = (await steps.next()).value
    assert.equal(first?.dropped, 1)
    assert.equal(first?.records, 2)
    first?.take((start, count, kind) => {
      assert.deepEqual([first.samples[start], count, kind], [1, 1, 1])
      return false
    })
    const second = (await steps.next()).value
    assert.deepEqual([second?.dropped, second?.records], [0, 1])
    await steps.return(undefined)
  })

  it('of the latest record is all since the one before', async () => {
    const { reader, writer, send } = pair()
    const steps = reader.latest()
    send(1)
    assert.equal((await steps.next()).value?.dropped, 0)
    writer.reserve(LONG)
    send(2)
    writer.reserve(LONG)
    send(3, 4)
    const { value } = await steps.next()
    assert.deepEqual([value?.dropped, value?.records, reader.skipped], [2, 1, 2])
    await steps.return(undefined)
  })

  it('goes on in the next reader and after the next writer', async () => {
    const { memory, reader, writer, send, bell } = pair()
    writer.reserve(LONG)
    send(1)
    for await (const batch of reader.batches()) {
      assert.equal(batch.dropped, 1)
      break
    }
    const next = new RingWriter(memory)
    next.reserve(LONG)
    next.write(Uint8Array.of(2), 2)
    next.publish()
    next.write(Uint8Array.of(3), 3)
    next.publish()
    bell.end()
    const seen: number[] = []
    for await (const batch of new RingReader(memory, bell).batches()) seen.push(batch.dropped, batch.records)
    assert.deepEqual(seen, [1, 2])
  })

  for (const start of [0, 2048, 4072, 4080, 4088]) {
    it(`at position ${start}: every length that the ring takes fits after drops too, and comes whole`, async () => {
      for (const length of [0, 1, 8, 9, 16, 1000, 2031, 2032, 2033, 2040]) {
        const { reader, writer, bell } = pair(4096, start)
        writer.reserve(LONG)
        assert.equal(writer.room(length), true)
        const payload = Uint8Array.from({ length }, (_, at) => at + length)
        assert.equal(writer.write(payload, 7), true)
        writer.publish()
        bell.end()
        const seen: unknown[] = []
        for await (const batch of reader.batches())
          batch.forEach((offset, many, kind) => {
            seen.push(batch.dropped, kind, batch.bytes.slice(offset, offset + many))
          })
        assert.deepEqual(seen, [1, 7, payload])
      }
    })
  }

  it('counts beyond 2^32', async () => {
    const { memory } = pair()
    const words = new Uint32Array(memory.buffer, 0, 64)
    words[17] = 0xffff_ffff // dropped
    words[33] = 0xffff_fffe // known
    const writer = new RingWriter(memory)
    writer.reserve(LONG)
    writer.write(Uint8Array.of(1))
    writer.publish()
    const next = new RingReader(memory, { ended: true, listen: () => () => {} })
    assert.equal((await next.batches().next()).value?.dropped, 2)
  })
})
