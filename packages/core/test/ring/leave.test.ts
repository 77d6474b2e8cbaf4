/** What is left when a reader leaves: a ring that rings again, and every record that it did not take. */
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { CONSUMER, WAKE } from '../../src/ring/layout.ts'
import { IN_USE, kinds, pair } from './ring.ts'

const STALE = { code: 'ERR_PENDSHARE_STALE_BATCH' }

describe('a ring that was left', () => {
  it('counts as asleep: the next publish rings', async () => {
    const { reader, send, header, bell } = pair()
    send(1)
    for await (const _ of reader.batches()) break
    assert.equal(header[WAKE], 1)
    assert.equal(bell.rings, 1)
    assert.equal(send(2), true)
  })

  it('rings at once where records lie in it, for which the producer has rung nobody', async () => {
    const { reader, send, bell } = pair()
    send(1)
    for await (const _ of reader.batches()) {
      assert.equal(send(2), false)
      break
    }
    assert.equal(bell.rings, 2)
  })

  it('does not ring for what was left of a producer that has ended', async () => {
    const { reader, send, bell } = pair()
    send(1)
    for await (const _ of reader.batches()) {
      send(2)
      bell.end()
      break
    }
    assert.equal(bell.rings, 2)
  })

  it('by a stream that was cancelled rings too', async () => {
    const { reader, send, header, bell } = pair()
    send(1, 2)
    const stream = reader.toReadable().getReader()
    assert.deepEqual((await stream.read()).value, Uint8Array.of(1))
    await stream.cancel()
    assert.equal(header[CONSUMER], 16)
    assert.equal(header[WAKE], 1)
    assert.equal(bell.rings, 2)
  })
})

describe('take()', () => {
  it('gives back what it visited, and the rest comes again', async () => {
    const { reader, send, header, bell } = pair()
    send(1, 2, 3)
    for await (const batch of reader.batches()) {
      assert.equal(
        batch.take((_offset, _length, kind) => kind !== 2),
        2,
      )
      assert.equal(batch.records, 3)
      break
    }
    assert.equal(header[CONSUMER], 32)
    send(4)
    bell.end()
    assert.deepEqual(await kinds(reader), [3, 4])
  })

  it('goes on where it stopped, until nothing is left', async () => {
    const { reader, send } = pair()
    send(1, 2, 3)
    const seen: number[] = []
    const one = (_offset: number, _length: number, kind: number) => seen.push(kind) === 0
    const steps = reader.batches()
    const { value: batch } = await steps.next()
    assert.deepEqual([batch?.take(one), batch?.take(one), batch?.take(one), batch?.take(one)], [1, 1, 1, 0])
    assert.deepEqual(seen, [1, 2, 3])
    await steps.return(undefined)
  })

  it('does not take the record at which the callback throws', async () => {
    const { reader, send, bell } = pair()
    send(1, 2, 3)
    const failing = async () => {
      for await (const batch of reader.batches())
        batch.take((_offset, _length, kind) => {
          if (kind === 2) throw new Error('of the callback')
        })
    }
    await assert.rejects(failing, { message: 'of the callback' })
    bell.end()
    assert.deepEqual(await kinds(reader), [2, 3])
  })

  it('that takes nothing gets the same again', async () => {
    const { reader, send, header } = pair()
    send(1)
    const steps = reader.batches()
    const failing = async () =>
      (await steps.next()).value?.take(() => {
        throw new Error('of the callback')
      })
    await assert.rejects(failing, { message: 'of the callback' })
    await assert.rejects(failing, { message: 'of the callback' })
    assert.equal(header[CONSUMER], 0)
    await steps.return(undefined)
  })

  it('of samples, across the end of the data', async () => {
    const { reader, writer, bell } = pair(4096, 4096 - 32)
    for (const value of [1, 2, 3]) writer.write(new Uint8Array(Int32Array.of(value, -value).buffer))
    writer.publish()
    bell.end()
    const seen: number[] = []
    for await (const batch of reader.samples(Int32Array)) {
      batch.take((start, count) => {
        assert.equal(count, 2)
        seen.push(batch.samples[start] ?? 0)
        return false
      })
    }
    assert.deepEqual(seen, [1, 2, 3])
  })

  it('ends where the batch was given back within its callback', async () => {
    const { reader, send } = pair()
    send(1, 2)
    const steps = reader.batches()
    const { value: batch } = await steps.next()
    assert.equal(
      batch?.take(() => steps.return(undefined)),
      0,
    )
    await setImmediate()
    assert.throws(() => batch?.take(() => {}), STALE)
  })
})

describe('a batch that is not the current one', () => {
  it('throws at the first look, after the next step and after leaving', async () => {
    const { reader, send } = pair()
    for (const steps of [
      reader.batches(),
      reader.samples(Int8Array),
      reader.latest(),
      reader.latestSamples(Int8Array),
    ]) {
      send(1)
      const first = (await steps.next()).value
      send(2)
      const second = (await steps.next()).value
      assert.notEqual(first, second)
      assert.throws(() => first?.forEach(() => {}), STALE)
      assert.equal(second?.records, 1)
      await steps.return(undefined)
      for (const stale of [first, second]) {
        assert.throws(() => stale?.forEach(() => {}), STALE)
        assert.throws(() => stale?.take(() => {}), STALE)
        assert.throws(() => stale?.records, STALE)
      }
    }
  })
})

describe('latest()', () => {
  it('hands out the newest record, gives the older ones back at once and counts them', async () => {
    const { reader, send, header, bell } = pair()
    send(1, 2, 3)
    const seen: number[] = []
    for await (const batch of reader.latest()) {
      assert.equal(header[CONSUMER], [32, 64][seen.length])
      assert.equal(batch.records, 1)
      batch.forEach((_offset, _length, kind) => {
        seen.push(kind)
      })
      if (seen.length === 1) send(4, 5)
      else bell.end()
    }
    assert.deepEqual(seen, [3, 5])
    assert.deepEqual([reader.skipped, reader.dropped, header[CONSUMER]], [3, 0, 80])
  })

  it('waits for one that no step had', async () => {
    const { reader, send, bell } = pair()
    send(1)
    const steps = reader.latest()
    await steps.next()
    const waiting = steps.next()
    await setImmediate()
    assert.equal(bell.waits, 1)
    send(2)
    assert.equal((await waiting).value?.records, 1)
    assert.equal(reader.skipped, 0)
    await steps.return(undefined)
  })

  it('across the end of the data, with padding', async () => {
    const { reader, writer } = pair(4096, 4096 - 48)
    writer.write(Uint8Array.of(1), 1)
    writer.write(new Uint8Array(40), 2)
    writer.publish()
    const steps = reader.latestSamples(Int8Array)
    const { value: batch } = await steps.next()
    batch?.forEach((start, count, kind) => {
      assert.deepEqual([start, count, kind], [8, 40, 2])
    })
    assert.equal(reader.skipped, 1)
    await steps.return(undefined)
  })

  it('is one consumer among others', async () => {
    const { reader, send } = pair()
    send(1)
    const steps = reader.latest()
    await steps.next()
    await assert.rejects(reader.batches().next(), IN_USE)
    await assert.rejects(reader.latest().next(), IN_USE)
    assert.throws(() => reader.toReadable(), IN_USE)
    await steps.return(undefined)
  })
})
