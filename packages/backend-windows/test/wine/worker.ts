/** A worker that opens a device for each stage named, reaches them all, says so, and waits to be terminated. */
import { parentPort, workerData } from 'node:worker_threads'
import { reach, type Stage } from '../../../native/test/real/stages.ts'
import { openDevice } from './bed.ts'

for (const stage of workerData as Stage[]) await reach(stage, await openDevice()) // by workers.test.ts
parentPort?.on('message', () => {
  throw new Error('uncaught, as the test wants it')
})
parentPort?.postMessage('reached')
