/** A reader that gives the event loop a turn has given the room of its batch back before. */
import assert from 'node:assert/strict'
import { it } from 'vitest'
import { formatRing } from '../../src/ring/layout.ts'
import { RingReader } from '../../src/ring/reader.ts'
import { RingWriter } from '../../src/ring/writer.ts'

it('gives the room of a batch back before it gives the event loop a turn', async () => {
  const memory = new Uint8Array(new SharedArrayBuffer(8192, { maxByteLength: 8192 }), 0, 8192)
  formatRing(memory)
  const writer = new RingWriter(memory)
  const listen = (wake: () => void) => {
    writer.reserve(8)
    writer.publish()
    wake()
    return () => {}
  }
  const reader = new RingReader(memory, { listen, ended: false })
  while (writer.room(500)) writer.reserve(500)
  writer.publish()
  let room: boolean | undefined
  for await (const batch of reader.batches()) {
    if (room !== undefined) break
    assert.ok(batch.records > 1)
    setImmediate(() => {
      room = writer.room(500)
    })
    // So long that the reader owes the event loop a turn.
    for (const until = performance.now() + 2; performance.now() < until; );
  }
  assert.equal(room, true)
})
