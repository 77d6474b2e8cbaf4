/** What an aborted signal does to who reads a ring, and what it leaves to the next. */
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { CONSUMER, PRODUCER } from '../../src/ring/layout.ts'
import { kinds, pair } from './ring.ts'

const REASON = new Error('no longer wanted')

describe('a signal aborts', () => {
  it('within the loop’s body: the next step throws, though records are left, which the next iteration gets', async () => {
    const { reader, send, header, bell } = pair()
    const controller = new AbortController()
    const seen: number[] = []
    const reading = async () => {
      for await (const batch of reader.batches({ signal: controller.signal })) {
        controller.abort(REASON)
        send(3, 4)
        await setImmediate()
        batch.forEach((_offset, _length, kind) => {
          seen.push(kind)
        })
      }
    }
    send(1, 2)
    await assert.rejects(reading, REASON)
    assert.deepEqual(seen, [1, 2])
    assert.equal(header[CONSUMER], 32)
    bell.end()
    assert.deepEqual(await kinds(reader), [3, 4])
  })

  it('while the iteration waits: it is over, and another may begin', async () => {
    const { reader, send, bell } = pair()
    const controller = new AbortController()
    const iterator = reader.batches({ signal: controller.signal })
    const waiting = iterator.next()
    await setImmediate()
    controller.abort(REASON)
    await assert.rejects(waiting, REASON)
    assert.equal((await iterator.next()).done, true)
    send(1)
    bell.end()
    assert.deepEqual(await kinds(reader), [1])
  })

  it('while a stream holds enough: it errors when it next wants some, and drops what it holds', async () => {
    const { reader, writer, header } = pair(1 << 20)
    const controller = new AbortController()
    const payload = new Uint8Array(1000)
    while (writer.room(1000)) writer.write(payload)
    writer.publish()
    const stream = reader.toReadable({ signal: controller.signal }).getReader()
    while (header[CONSUMER] === 0) await setImmediate()
    controller.abort(REASON)
    await setImmediate()
    assert.equal((await stream.read()).value?.length, 1000)
    await assert.rejects(async () => {
      while (!(await stream.read()).done);
    }, REASON)
    const left = (header[PRODUCER] ?? 0) - (header[CONSUMER] ?? 0)
    assert.equal((await reader.batches().next()).value?.records, left / 1008)
  })
})
