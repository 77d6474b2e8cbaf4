/** The consumer's side: batches, and what a producer can and cannot do to it. */
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'vitest'
import type { Batch } from '../../src/ring/batch.ts'
import { CONSUMER, DROPPED, MISSED, PRODUCER, WAKE } from '../../src/ring/layout.ts'
import { RingReader } from '../../src/ring/reader.ts'
import { CORRUPT, IN_USE, kinds, pair, TestBell, words } from './ring.ts'

describe('batches()', () => {
  it('yields one batch of all there is, and gives it back when the body is left', async () => {
    const { reader, send, header, bell } = pair()
    send(1, 2, 3)
    for await (const batch of reader.batches()) {
      assert.equal(batch.records, 3)
      assert.equal(batch.bytes, reader.bytes)
      assert.equal(header[CONSUMER], 0)
      bell.end()
    }
    assert.equal(header[CONSUMER], 48)
  })

  it('gives back on break and on throw', async () => {
    const { reader, send, header } = pair()
    send(1)
    for await (const _ of reader.batches()) break
    assert.equal(header[CONSUMER], 16)
    send(2)
    const failing = async () => {
      for await (const _ of reader.batches()) throw new Error('of the body')
    }
    await assert.rejects(failing, { message: 'of the body' })
    assert.equal(header[CONSUMER], 32)
  })

  it('sleeps when there is nothing, and asks to be rung first', async () => {
    const { reader, send, header, bell } = pair()
    const seen: number[] = []
    const reading = kinds(reader, seen)
    await setImmediate()
    assert.equal(bell.waits, 1)
    assert.equal(header[WAKE], 1)
    assert.equal(send(1), true)
    assert.equal(send(2), false, 'awake: no ring is needed')
    // A reader that has been busy for a millisecond gives the event loop a turn before it looks again.
    while (bell.waits < 2) await setImmediate()
    assert.deepEqual(seen, [1, 2])
    bell.end()
    await reading
  })

  it('does not sleep when a record comes just before it asks to be rung', async () => {
    const { reader, header, writer, bell } = pair()
    const { load } = Atomics
    let looks = 0
    // The first look at the position finds nothing; the producer publishes right after, and rings nobody.
    Atomics.load = ((array: Int32Array, index: number) => {
      const value = load(array, index)
      if (index === PRODUCER && ++looks === 1) {
        header[WAKE] = 0
        writer.write(Uint8Array.of(9), 9)
        assert.equal(writer.publish(), false)
      }
      return value
    }) as typeof Atomics.load
    try {
      assert.equal((await reader.batches().next()).value?.records, 1)
    } finally {
      Atomics.load = load
    }
    assert.equal(bell.waits, 0)
    assert.equal(header[WAKE], 0)
  })

  it('lets steps that overlap take turns', async () => {
    const { reader, send } = pair()
    const steps = reader.batches()
    const seen: number[] = []
    const see = ({ value }: IteratorResult<Batch, undefined>) =>
      value?.forEach((_offset, _length, kind) => {
        seen.push(kind)
      })
    const overlapping = [steps.next().then(see), steps.next().then(see), steps.next().then(see)]
    for (const kind of [1, 2, 3]) {
      send(kind)
      await setImmediate()
    }
    await Promise.all(overlapping)
    assert.deepEqual(seen, [1, 2, 3])
  })

  it('is free for another once a loop was left, also one that sleeps; that one touches nothing any more', async () => {
    const { reader, send, bell } = pair()
    const steps = reader.batches()
    const sleeping = steps.next()
    await setImmediate()
    await steps.return(undefined)
    const others = reader.batches()
    const arrival = others.next()
    send(7)
    assert.deepEqual(await sleeping, { value: undefined, done: true })
    assert.equal((await arrival).value?.records, 1)
    assert.deepEqual(await steps.next(), { value: undefined, done: true })
    assert.equal(bell.waits, 2)
  })

  it('drains what is left when the producer has ended', async () => {
    const { reader, send, bell } = pair()
    const seen: number[] = []
    const reading = kinds(reader, seen)
    await setImmediate()
    send(1)
    send(2)
    bell.end()
    assert.deepEqual(await reading, [1, 2])
    assert.deepEqual(await kinds(reader), [])
  })

  it('a wake-up without a record does no harm', async () => {
    const { reader, send, bell } = pair()
    const reading = kinds(reader)
    await setImmediate()
    bell.ring()
    while (bell.waits < 2) await setImmediate()
    send(5)
    bell.end()
    assert.deepEqual(await reading, [5])
  })

  it('ends with the signal’s reason, while it waits and between steps', async () => {
    const { reader, send } = pair()
    const waiting = new AbortController()
    const next = reader.batches({ signal: waiting.signal }).next()
    await setImmediate()
    waiting.abort('enough')
    assert.equal(await next.catch((reason: unknown) => reason), 'enough')
    send(1)
    const between = new AbortController()
    const iterator = reader.batches({ signal: between.signal })
    assert.equal((await iterator.next()).value?.records, 1)
    between.abort('stop')
    assert.equal(await iterator.next().catch((reason: unknown) => reason), 'stop')
    assert.equal(
      (await reader
        .batches({ signal: AbortSignal.abort('early') })
        .next()
        .catch(String)) as unknown,
      'early',
    )
  })

  it('lets the event loop turn when records never run out', async () => {
    const { reader, send } = pair()
    let turns = 0
    const turning = globalThis.setImmediate(function turn() {
      turns++
      again = globalThis.setImmediate(turn)
    })
    let again = turning
    send(1)
    for await (const _ of reader.batches()) {
      send(1)
      if (turns > 2) break
    }
    clearImmediate(again)
  })

  it('has one consumer at a time', async () => {
    const { reader, send } = pair()
    send(1)
    const first = reader.batches()
    await first.next()
    await assert.rejects(reader.batches().next(), IN_USE)
    assert.throws(() => reader.toReadable(), IN_USE)
    await first.return(undefined)
    send(2)
    assert.equal((await reader.batches().next()).value?.records, 1)
  })

  it('a batch that was never walked is given back all the same', async () => {
    const { reader, send, header } = pair()
    const iterator = reader.batches()
    for (let round = 0; round < 1000; round++) {
      send(1, 2)
      await iterator.next()
    }
    assert.equal(header[CONSUMER], 999 * 32)
  })

  it('refuses options that are wrong', () => {
    const { reader } = pair()
    const code = { code: 'ERR_PENDSHARE_INVALID_ARGUMENT' }
    // @ts-expect-error: no such option
    assert.throws(() => reader.batches({ limit: 1 }), code)
    // @ts-expect-error: not a signal
    assert.throws(() => reader.toReadable({ signal: 1 }), code)
    // @ts-expect-error: not a typed array
    assert.throws(() => reader.samples(Array), code)
    for (const highWaterMark of [-1, 1.5, Number.NaN, 2 ** 31])
      assert.throws(() => reader.toReadable({ highWaterMark }), { ...code, message: /highWaterMark/ })
    const { signal } = new AbortController()
    const calls = [
      () => reader.batches(signal as object),
      () => reader.samples(Int8Array, signal as object),
      () => reader.latest(signal as object),
      () => reader.latestSamples(Int8Array, signal as object),
      () => reader.toReadable(signal as object),
    ]
    for (const call of calls)
      assert.throws(call, { ...code, message: /expected \{ signal \}, not the signal itself/ })
  })
})

describe('a producer that writes nonsense', () => {
  for (const used of [4104, 0x8000_0000, 12, -8]) {
    it(`is found out: ${used} bytes ahead`, async () => {
      const { reader, header } = pair()
      header[PRODUCER] = used
      await assert.rejects(reader.batches().next(), CORRUPT)
    })
  }

  it('cannot lead a walk out of the data, whatever it writes meanwhile', async () => {
    const { reader, send, header, memory } = pair()
    send(1, 2)
    const all = words(memory)
    for await (const batch of reader.batches()) {
      assert.equal(batch.records, 2)
      all[1024 + 4] = 0x7fff_ffff
      const visited: number[] = []
      assert.throws(() => {
        batch.forEach((offset) => {
          visited.push(offset)
        })
      }, CORRUPT)
      assert.deepEqual(visited, [8])
      break
    }
    assert.equal(header[CONSUMER], 32)
  })
})

describe('late and lost', () => {
  for (const [count, word] of [
    ['dropped', DROPPED],
    ['missed', MISSED],
  ] as const) {
    it(`are counted beyond 2^32: ${count}`, () => {
      const { reader, header } = pair()
      assert.equal(reader[count], 0)
      header[word] = -1
      assert.equal(reader[count], 2 ** 32 - 1)
      header[word] = 1
      assert.equal(reader[count], 2 ** 32 + 1)
      assert.equal(reader[count], 2 ** 32 + 1)
    })
  }

  it('are two counts', () => {
    const { reader, writer } = pair()
    writer.miss(4684)
    assert.deepEqual([reader.missed, reader.dropped], [4684, 0])
    writer.reserve(5000)
    assert.deepEqual([reader.missed, reader.dropped], [4684, 1])
  })
})

describe('RingReader', () => {
  it('reads on where the last reader left off', async () => {
    const { memory, reader, send, bell } = pair()
    send(1)
    for await (const _ of reader.batches()) break
    send(2)
    bell.end()
    assert.deepEqual(await kinds(new RingReader(memory, bell)), [2])
  })

  it('reads across the wrap of positions at 2^32', async () => {
    const { reader, writer, bell } = pair(4096, -2048)
    const seen: number[] = []
    const reading = kinds(reader, seen)
    for (let n = 0; n < 1000; n++) {
      assert(writer.write(new Uint8Array(n % 300), n))
      if (writer.publish()) bell.ring()
      await setImmediate()
    }
    bell.end()
    assert.deepEqual(
      await reading,
      Array.from({ length: 1000 }, (_, n) => n),
    )
  })

  it('works over memory that is not shared', async () => {
    const { memory, writer } = pair()
    writer.write(Uint8Array.of(1), 1)
    writer.publish()
    const bell = new TestBell()
    bell.end()
    assert.deepEqual(await kinds(new RingReader(new Uint8Array(memory), bell)), [1])
  })
})
