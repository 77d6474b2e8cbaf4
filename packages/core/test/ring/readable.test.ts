/** A ring as a stream of chunks. */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { CONSUMER, PRODUCER } from '../../src/ring/layout.ts'
import { CORRUPT, IN_USE, kinds, pair } from './ring.ts'

describe('toReadable()', () => {
  it('has one chunk a record, each a copy of its own, and closes with the producer', async () => {
    const { reader, send, bell } = pair()
    send(1, 2)
    bell.end()
    const chunks: Uint8Array[] = []
    for await (const chunk of reader.toReadable()) chunks.push(chunk)
    assert.deepEqual(
      chunks.map((chunk) => [...chunk]),
      [[1], [2]],
    )
    for (const { buffer } of chunks) {
      assert(buffer instanceof ArrayBuffer)
      assert.equal(buffer.byteLength, 1)
    }
    await kinds(reader)
  })

  for (const highWaterMark of [0, 1, 1500, 1 << 20]) {
    it(`takes what was read, and no more, when ${highWaterMark} bytes are copied ahead`, async () => {
      const { reader, send, header, bell } = pair()
      const sent = Array.from({ length: 100 }, (_, at) => at)
      send(...sent)
      const stream = reader.toReadable({ highWaterMark }).getReader()
      for (const at of sent.slice(0, 10)) assert.deepEqual((await stream.read()).value, Uint8Array.of(at))
      await stream.cancel()
      assert.equal(header[CONSUMER], 160)
      const others = reader.toReadable({ highWaterMark })
      for await (const chunk of others) {
        assert.deepEqual(chunk, Uint8Array.of(10))
        break
      }
      bell.end()
      assert.deepEqual(await kinds(reader), sent.slice(11))
    })
  }

  it('takes nothing before somebody reads', async () => {
    const { reader, send, header } = pair()
    send(1)
    const stream = reader.toReadable({ highWaterMark: 4096 })
    await setImmediate()
    assert.equal(header[CONSUMER], 0)
    await stream.cancel()
    assert.equal(header[CONSUMER], 0)
  })

  it('gives space back while it reads a full ring, not only at its end', async () => {
    const { reader, writer, header, bell } = pair(1 << 20)
    const payload = new Uint8Array(1000)
    while (writer.room(1000)) writer.write(payload)
    writer.publish()
    bell.end()
    let records = 0
    for await (const chunk of reader.toReadable()) {
      records += chunk.length / 1000
      const held = records * 1008 - (header[CONSUMER] ?? 0)
      assert(held <= 65_536 + 1008, `${held} bytes were held`)
    }
    assert.equal(records, Math.floor((1 << 20) / 1008))
  })

  it('goes on after a batch of padding alone', async () => {
    const { reader, writer, bell } = pair(1 << 20)
    const third = new Uint8Array(400_000)
    writer.write(third)
    writer.write(third)
    writer.publish()
    const stream = reader.toReadable().getReader()
    for (const _ of [1, 2]) assert.equal((await stream.read()).value?.length, 400_000)
    // 248,544 bytes of padding come first: more than the stream takes at a time.
    writer.write(third)
    if (writer.publish()) bell.ring()
    assert.equal((await stream.read()).value?.length, 400_000)
  })

  it('cancelled while it waits, frees the ring for the next consumer', async () => {
    const { reader, send } = pair()
    const stream = reader.toReadable().getReader()
    const read = stream.read()
    await setImmediate()
    await stream.cancel('enough')
    assert.equal((await read).done, true)
    const next = reader.batches()
    send(1, 2)
    assert.equal((await next.next()).value?.records, 2)
  })

  it('leaves the rest to the next reader when what it is piped into fails, or is destroyed', async () => {
    const { reader, send, bell } = pair()
    const sent = [1, 2, 3, 4, 5, 6]
    send(...sent)
    const seen: number[] = []
    const failing = new WritableStream<Uint8Array>({
      write(chunk) {
        seen.push(chunk[0] ?? 0)
        if (seen.length === 2) throw new Error('of the sink')
      },
    })
    await assert.rejects(reader.toReadable().pipeTo(failing), { message: 'of the sink' })
    const stream = Readable.fromWeb(reader.toReadable({ highWaterMark: 100 }), { highWaterMark: 1 })
    for await (const chunk of stream) {
      seen.push(chunk[0])
      break
    }
    assert.equal(stream.destroyed, true)
    // A node stream reads one chunk ahead of its own; what it has read is taken.
    bell.end()
    const rest = await kinds(reader)
    assert.deepEqual([...seen, ...rest].sort(), [...new Set([...seen, ...rest])].sort())
    assert.deepEqual(rest, sent.slice(sent.length - rest.length))
    assert(rest.length >= 1)
  })

  it('goes on with the next reader of the stream when one has released its lock', async () => {
    const { reader, send, bell } = pair()
    send(1, 2, 3)
    const stream = reader.toReadable()
    const first = stream.getReader()
    assert.deepEqual((await first.read()).value, Uint8Array.of(1))
    first.releaseLock()
    assert.deepEqual((await stream.getReader().read()).value, Uint8Array.of(2))
    assert.throws(() => reader.toReadable(), IN_USE)
    bell.end()
  })

  it('errors with the signal’s reason and with corruption', async () => {
    const { reader, header } = pair()
    const abort = new AbortController()
    const aborted = reader.toReadable({ signal: abort.signal }).getReader().read()
    await setImmediate()
    abort.abort('enough')
    assert.equal(await aborted.catch((reason: unknown) => reason), 'enough')
    header[PRODUCER] = 4
    await assert.rejects(reader.toReadable().getReader().read(), CORRUPT)
  })
})
