/** A ring as a stream of chunks. */
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { CONSUMER, PRODUCER } from '../../src/ring/layout.ts'
import { CORRUPT, kinds, pair } from './ring.ts'

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

  it('leaves in the ring what there is no demand for', async () => {
    const { reader, writer, header, bell } = pair(1 << 20)
    const payload = new Uint8Array(1000)
    while (writer.room(1000)) writer.write(payload)
    writer.publish()
    bell.end()
    const stream = reader.toReadable()
    // A reader that has been busy for a millisecond gives the event loop a turn first.
    while (header[CONSUMER] === 0) await setImmediate()
    const ahead = header[CONSUMER] ?? 0
    assert(ahead > 0 && ahead < 3 * 65_536, `${ahead} bytes were taken`)
    let records = 0
    for await (const chunk of stream) records += chunk.length / 1000
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
