/** Runs: samples that were pushed one by one are one record to the ring, and to whoever reads it what they were pushed as. */
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { Batch } from '../../src/ring/batch.ts'
import { CONSUMER, RING_VERSION_RUNS, TAKEN, VERSION } from '../../src/ring/layout.ts'
import { RingReader } from '../../src/ring/reader.ts'
import { RingWriter } from '../../src/ring/writer.ts'
import { CORRUPT, pair, ring, TestBell, words } from './ring.ts'

const LONG = 5000

/** A ring in which there may be runs. `push` pushes samples of one value each and publishes them. */
function runs(start?: number) {
  const memory = ring(4096, start)
  words(memory)[VERSION] = RING_VERSION_RUNS
  const writer = new RingWriter(memory)
  const bell = new TestBell()
  const reader = new RingReader(memory, bell)
  const push = (...values: number[]) => {
    for (const value of values) {
      const at = writer.push(8, 7)
      assert(at >= 0)
      writer.bytes.fill(value, at, at + 8)
    }
    if (writer.publish()) bell.ring()
  }
  return { memory, header: words(memory), writer, bell, reader, push }
}

/** The values that a walk over the batch shows. */
function valuesOf(batch: Batch, into: number[] = []): number[] {
  batch.forEach((offset, length, kind) => {
    assert.deepEqual([length, kind], [8, 7])
    into.push(batch.bytes[offset] as number)
    assert.equal(batch.bytes[offset + 7], batch.bytes[offset])
  })
  return into
}

async function rest(reader: RingReader): Promise<number[]> {
  const values: number[] = []
  for await (const batch of reader.batches()) valuesOf(batch, values)
  return values
}

describe('a run', () => {
  it('is walked as its samples, or as a whole', async () => {
    const { reader, writer, push, bell } = runs()
    push(1, 2, 3)
    writer.write(Uint8Array.of(9), 5)
    push(4)
    bell.end()
    for await (const batch of reader.batches()) {
      const whole: unknown[] = []
      batch.forEachRun((offset, count, stride, kind) => {
        whole.push([batch.bytes[offset], count, stride, kind])
      })
      assert.deepEqual(whole, [
        [1, 3, 8, 7],
        [9, 1, 1, 5],
        [4, 1, 8, 7],
      ])
      const single: unknown[] = []
      batch.forEach((offset, length, kind) => {
        single.push([batch.bytes[offset], length, kind])
      })
      assert.deepEqual(single, [
        [1, 8, 7],
        [2, 8, 7],
        [3, 8, 7],
        [9, 1, 5],
        [4, 8, 7],
      ])
      assert.equal(batch.records, 5)
    }
  })

  it('is one piece of a typed array', async () => {
    const { reader, writer } = runs()
    for (const value of [1, -2, 3]) {
      const at = writer.push(4)
      new DataView(writer.bytes.buffer, writer.bytes.byteOffset).setInt16(at, value, true)
      new DataView(writer.bytes.buffer, writer.bytes.byteOffset).setInt16(at + 2, 10 * value, true)
    }
    writer.publish()
    const { value } = await reader.samples(Int16Array).next()
    assert(value)
    value.forEachRun((start, count, stride, kind) => {
      assert.deepEqual([count, stride, kind], [3, 2, 0])
      assert.deepEqual([...value.samples.subarray(start, start + count * stride)], [1, 10, -2, -20, 3, 30])
    })
    const starts: number[] = []
    value.forEach((start, count) => {
      starts.push(start, count)
    })
    assert.deepEqual(starts, [8, 2, 10, 2, 12, 2])
  })

  it('of samples that are no whole number of elements is refused', async () => {
    const { reader, writer } = runs()
    writer.push(3)
    writer.push(3)
    writer.publish()
    const { value } = await reader.samples(Int16Array).next()
    const uneven = { code: 'ERR_PENDSHARE_INVALID_ARGUMENT', message: /3 bytes/ }
    assert.throws(() => value?.forEachRun(() => {}), uneven)
    assert.throws(() => value?.forEach(() => {}), uneven)
  })

  it('is cut where samples were dropped', async () => {
    const { reader, writer, push, bell } = runs()
    push(1, 2)
    writer.push(LONG)
    push(3, 4)
    bell.end()
    const seen: unknown[] = []
    for await (const batch of reader.batches()) seen.push([batch.dropped, valuesOf(batch)])
    assert.deepEqual(seen, [
      [0, [1, 2]],
      [1, [3, 4]],
    ])
  })

  for (const start of [0, 4000, 4056, 4064, 4072, 4080, 4088])
    it(`at position ${start}: samples come in order across the end of the data`, async () => {
      const { reader, push, bell } = runs(start)
      push(...Array.from({ length: 100 }, (_, at) => at))
      bell.end()
      assert.deepEqual(
        await rest(reader),
        Array.from({ length: 100 }, (_, at) => at),
      )
    })

  it('whose samples do not divide it, by a fault of its peer, is corrupt to every walk', async () => {
    for (const stride of [0, 3, 32, -8]) {
      const { reader, header, push } = runs()
      push(1, 2)
      header[1024 + 2] = stride
      const batch = (await reader.batches().next()).value
      assert(batch)
      for (const walk of [
        () => batch.forEach(() => {}),
        () => batch.forEachRun(() => {}),
        () => batch.take(() => {}),
        () => batch.records,
      ])
        assert.throws(walk, CORRUPT)
    }
  })

  it('is a version of the ring that a reader without runs refuses, and so does this one of a later', () => {
    const { memory, header } = runs()
    assert.equal(header[VERSION], 3)
    header[VERSION] = 4
    assert.throws(() => new RingReader(memory, new TestBell()), {
      ...CORRUPT,
      message: /version is 4.* 2 and 3/,
    })
  })
})

describe('take() in a run', () => {
  it('takes single samples; what is left comes again, and its space goes back with the last', async () => {
    const { reader, push, bell, header } = runs()
    push(1, 2, 3, 4)
    bell.end()
    const taken: number[] = []
    for await (const batch of reader.batches()) {
      const count = batch.take((offset) => {
        taken.push(batch.bytes[offset] as number)
        return taken.length % 3 !== 0
      })
      assert.equal(count, taken.length === 3 ? 3 : 1)
      if (taken.length === 3)
        assert.equal(
          batch.take(() => false),
          1,
        )
      break
    }
    assert.deepEqual(taken, [1, 2, 3])
    assert.equal(header[CONSUMER], 16 + 32)
    push(5, 6, 7)
    for await (const batch of reader.batches()) {
      assert.equal(
        batch.take(() => false),
        1,
      )
      break
    }
    assert.deepEqual([header[CONSUMER], header[TAKEN]], [48, 8])
    const left: number[][] = []
    for await (const batch of reader.batches()) {
      left.push(valuesOf(batch))
      assert.equal(batch.records, left.at(-1)?.length)
      const [first] = startsOf(batch)
      batch.take((offset) => {
        assert.equal(offset, first)
        return false
      })
    }
    assert.deepEqual(left, [[6, 7], [7]])
    assert.deepEqual([header[CONSUMER], header[TAKEN]], [88, 0])
  })

  function startsOf(batch: Batch): number[] {
    const starts: number[] = []
    batch.forEachRun((offset) => starts.push(offset))
    return starts
  }

  it('is gone on with by the next reader', async () => {
    const { memory, reader, push, bell } = runs()
    push(1, 2, 3)
    bell.end()
    for await (const batch of reader.batches()) {
      batch.take(() => false)
      break
    }
    assert.deepEqual(await rest(new RingReader(memory, bell)), [2, 3])
  })

  it('does not take the sample at which the callback throws', async () => {
    const { reader, push, bell } = runs()
    push(1, 2, 3)
    bell.end()
    const refused = new Error('refused')
    const steps = async () => {
      for await (const batch of reader.batches())
        batch.take((offset) => {
          if (batch.bytes[offset] === 2) throw refused
        })
    }
    await assert.rejects(steps(), refused)
    assert.deepEqual(await rest(reader), [2, 3])
  })

  it('knows of the drops before it once', async () => {
    const { reader, writer, push, bell } = runs()
    writer.push(LONG)
    push(1, 2)
    bell.end()
    const seen: unknown[] = []
    for await (const batch of reader.batches()) {
      seen.push(batch.dropped, batch.records)
      batch.take(() => false)
    }
    assert.deepEqual(seen, [1, 2, 0, 1])
  })

  it('that was left in its middle, by a fault of that reader, is corrupt', async () => {
    for (const taken of [4, 16, 24, -8]) {
      const { memory, header, push, bell } = runs()
      push(1, 2)
      header[TAKEN] = taken
      const batch = (await new RingReader(memory, bell).batches().next()).value
      assert.throws(() => batch?.forEach(() => {}), CORRUPT)
    }
  })
})

describe('the latest of a run', () => {
  it('is its last sample, and the others are skipped', async () => {
    const { reader, push, header } = runs()
    const steps = reader.latest()
    push(1, 2, 3)
    const first = (await steps.next()).value
    assert(first)
    assert.deepEqual([first.records, valuesOf(first), reader.skipped], [1, [3], 2])
    push(4)
    push(5, 6)
    const second = (await steps.next()).value
    assert(second)
    assert.deepEqual([second.records, valuesOf(second), reader.skipped], [1, [6], 4])
    await steps.return(undefined)
    assert.deepEqual([header[CONSUMER], header[TAKEN]], [40 + 24 + 32, 0])
  })

  it('counts those that were taken before as seen', async () => {
    const { reader, push } = runs()
    push(1, 2, 3, 4)
    for await (const batch of reader.batches()) {
      batch.take(() => false)
      break
    }
    for await (const batch of reader.latest()) {
      assert.deepEqual(valuesOf(batch), [4])
      break
    }
    assert.equal(reader.skipped, 2)
  })
})

describe('toReadable() of runs', () => {
  it('has a chunk for each, and leaves what nobody has read', async () => {
    const { reader, push, bell } = runs()
    push(1, 2)
    push(3)
    push(4, 5)
    bell.end()
    const stream = reader.toReadable().getReader()
    assert.deepEqual((await stream.read()).value, Uint8Array.from([...Array(8).fill(1), ...Array(8).fill(2)]))
    assert.equal((await stream.read()).value?.length, 8)
    await stream.cancel()
    assert.deepEqual(await rest(reader), [4, 5])
  })

  it('begins behind what was taken of one', async () => {
    const { reader, push, bell } = runs()
    push(1, 2, 3)
    bell.end()
    for await (const batch of reader.batches()) {
      batch.take(() => false)
      break
    }
    const chunks: Uint8Array[] = []
    for await (const chunk of reader.toReadable({ highWaterMark: 100 })) chunks.push(chunk)
    assert.deepEqual(chunks, [Uint8Array.from([...Array(8).fill(2), ...Array(8).fill(3)])])
  })
})

describe('push()', () => {
  it('makes records of samples in a ring without runs, which every reader knows', async () => {
    const { reader, writer, bell, header } = pair()
    assert.equal(header[VERSION], 2)
    for (const value of [1, 2]) writer.bytes[writer.push(1, value)] = value
    writer.publish()
    bell.end()
    for await (const batch of reader.batches()) {
      const seen: unknown[] = []
      batch.forEachRun((...run) => seen.push(run))
      assert.deepEqual(seen, [
        [8, 1, 1, 1],
        [24, 1, 1, 2],
      ])
    }
  })

  it('fits where there is room for eight bytes more', () => {
    for (let start = 0; start < 4096; start += 8)
      for (const stride of [1, 8, 9, 500, 1999, 2032]) {
        const { writer } = runs(start)
        let pushed = 0
        while (writer.room(stride + 8)) {
          assert.notEqual(writer.push(stride), -1)
          pushed += stride
        }
        assert(pushed > 0)
        assert.equal(writer.dropped, 0)
      }
  })

  it('after a publish begins another run, also of the same samples', async () => {
    const { reader, push } = runs()
    push(1)
    push(2)
    const { value } = await reader.batches().next()
    const counts: number[] = []
    value?.forEachRun((_offset, count) => counts.push(count))
    assert.deepEqual(counts, [1, 1])
  })
})
