/** What an aborted signal does to who reads a ring, and what it leaves to the next. */
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { CONSUMER } from '../../src/ring/layout.ts'
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

  it('between the reads of a stream: the next read errors, and the next reader gets all that was not read', async () => {
    const { reader, send, bell } = pair()
    const controller = new AbortController()
    send(1, 2, 3)
    const stream = reader.toReadable({ signal: controller.signal, highWaterMark: 100 }).getReader()
    assert.deepEqual((await stream.read()).value, Uint8Array.of(1))
    controller.abort(REASON)
    await assert.rejects(stream.read(), REASON)
    bell.end()
    assert.deepEqual(await kinds(reader), [2, 3])
  })
})
