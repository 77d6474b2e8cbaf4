/** Worker threads own their devices: the end of one ends its shares, promptly and no others. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { STAGES, type Stage } from '../../../native/test/real/stages.ts'
import { endOneOfTwo } from '../../../native/test/real/workers.ts'
import { beside, openDevice, pinnedPages } from './bed.ts'

async function startWorker(...stages: readonly Stage[]): Promise<Worker> {
  const worker = new Worker(beside('worker'), { workerData: stages })
  await once(worker, 'message')
  return worker
}

/** Not pinning: under Wine 256 MiB go through a socket on their way to the driver. */
const QUICK = STAGES.filter((stage) => stage !== 'pinning')

describe('workers', () => {
  for (const stage of STAGES) {
    it(`terminate() while ${stage} leaves nothing pinned`, async () => {
      const worker = await startWorker(stage)
      assert.equal(await worker.terminate(), 1)
      assert.equal(pinnedPages(), 0)
    })
  }

  it('an uncaught exception in every stage at once leaves nothing pinned', async () => {
    const worker = await startWorker(...QUICK)
    const died = once(worker, 'error')
    worker.postMessage('die')
    assert.match(String(await died), /uncaught, as the test wants it/)
    await worker.terminate()
    assert.equal(pinnedPages(), 0)
  })

  it('several share at once, and the end of one leaves the shares of the others alone', async () => {
    await using device = await openDevice()
    const both = () => Promise.all([startWorker('busy', 'pended'), startWorker('pended')])
    await endOneOfTwo(device, both, pinnedPages)
  })
})
