/**
 * A worker thread consumes a ring: the main thread lends the memory, posts it, and hands on the doorbell; records go from
 * the kernel to the worker without a copy and without a message.
 *
 *   node examples/worker-consumer/main.ts [backend]      the mock by default
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { open } from 'pendshare'
import { end, newBell, ring } from './bell.ts'
import type { Seen, Work } from './worker.ts'

const TICKS = 1000

await using device = await open({ backend: process.argv[2] ?? 'mock' })
await using share = await device.share({
  bytes: 64 << 10,
  peer: 'clock',
  peerOptions: { periodNs: 1_000_000, ticks: TICKS },
})

// The view, never its buffer: a view of a growable buffer that tracks its length is a hundred times slower.
const work: Work = { memory: share.memory, bell: newBell() }
const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: work })
const told = once(worker, 'message')

for await (const _ of share.doorbell) ring(work.bell)
end(work.bell)

// Until the worker is done the memory must have no other use.
const [seen]: Seen[] = await told
if (seen === undefined) throw new Error('the worker said nothing')
const { reason } = await share.ended
console.log(
  `the worker read ${seen.records} records in ${seen.batches} batches up to tick ${seen.lastTick}, ` +
    `${seen.dropped} were dropped; the share ended: ${reason}`,
)
