/** A worker that opens a device, reaches a stage of its life, says so, and waits to be terminated. */
import { parentPort, workerData } from 'node:worker_threads'
import { reach, type Stage } from '../../../native/test/real/stages.ts'
import type { Wakeup } from '../../src/index.ts'
import { openDevice } from './bed.ts'

const { wakeup, stages } = workerData as { wakeup: Wakeup; stages: Stage[] } // by workers.test.ts
for (const stage of stages) await reach(stage, await openDevice(wakeup))
parentPort?.on('message', () => {
  throw new Error('uncaught, as the test wants it')
})
parentPort?.postMessage('reached')
