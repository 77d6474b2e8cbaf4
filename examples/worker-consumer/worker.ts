/** The worker: reads the clock's records where they lie, and tells what it saw when the share has ended. */
import { parentPort, workerData } from 'node:worker_threads'
import { RingReader } from 'pendshare'
import { type BellState, WorkerBell } from './bell.ts'

export interface Work {
  readonly memory: Uint8Array
  readonly bell: BellState
}

export interface Seen {
  readonly records: number
  readonly batches: number
  readonly lastTick: number
  readonly dropped: number
}

const { memory, bell }: Work = workerData
// A wait on shared memory does not keep a thread alive; a port that somebody listens on does.
parentPort?.on('message', () => {})

const reader = new RingReader(memory, new WorkerBell(bell))
let records = 0
let batches = 0
let lastTick = 0n
for await (const batch of reader.samples(BigUint64Array)) {
  batch.forEach((start) => {
    lastTick = batch.samples[start] ?? 0n
    records++
  })
  batches++
}
const seen: Seen = { records, batches, lastTick: Number(lastTick), dropped: reader.dropped }
parentPort?.postMessage(seen)
parentPort?.close()
