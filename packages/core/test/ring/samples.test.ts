/** Batches whose payloads are elements of a typed array. */
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { SampleConstructor } from '../../src/ring/batch.ts'
import { CONSUMER } from '../../src/ring/layout.ts'
import { pair } from './ring.ts'

describe('samples()', () => {
  it('shows payloads as elements of one typed array', async () => {
    const { reader, writer, bell } = pair()
    writer.write(new Uint8Array(Float64Array.of(1.5, -2, 3e300).buffer), 7)
    writer.write(new Uint8Array(Float64Array.of(0.25).buffer), 8)
    writer.publish()
    bell.end()
    const seen: unknown[] = []
    for await (const batch of reader.samples(Float64Array)) {
      assert.equal(batch.records, 2)
      batch.forEach((start, count, kind) => {
        seen.push([kind, ...batch.samples.subarray(start, start + count)])
      })
    }
    assert.deepEqual(seen, [
      [7, 1.5, -2, 3e300],
      [8, 0.25],
    ])
  })

  it('of any width', async () => {
    await same(Int8Array)
    await same(Int16Array)
    await same(Uint32Array)
    await same(Float32Array)
  })

  async function same<T extends Int8Array | Int16Array | Uint32Array | Float32Array>(
    array: SampleConstructor<T> & { of(...items: number[]): T },
  ): Promise<void> {
    const { reader, writer } = pair()
    writer.write(new Uint8Array(array.of(1, 2, 3).buffer))
    writer.publish()
    const { value } = await reader.samples(array).next()
    value?.forEach((start, count) => {
      assert.deepEqual([...value.samples.subarray(start, start + count)], [1, 2, 3])
    })
    assert.equal(value?.records, 1)
  }

  it('of BigUint64Array', async () => {
    const { reader, writer } = pair()
    writer.write(new Uint8Array(BigUint64Array.of(2n ** 60n).buffer))
    writer.publish()
    const { value } = await reader.samples(BigUint64Array).next()
    const seen: unknown[] = []
    value?.forEach((start) => {
      seen.push(value.samples[start])
    })
    assert.deepEqual(seen, [2n ** 60n])
  })

  it('refuses a payload that is not a whole number of samples', async () => {
    const { reader, send } = pair()
    send(1)
    const { value } = await reader.samples(Int16Array).next()
    assert.throws(() => value?.forEach(() => {}), {
      code: 'ERR_PENDSHARE_INVALID_ARGUMENT',
      message: /1 bytes/,
    })
  })

  it('gives its batch back when the loop is left', async () => {
    const { reader, send, header } = pair()
    send(1)
    for await (const _ of reader.samples(Int8Array)) break
    assert.equal(header[CONSUMER], 16)
  })
})
