/** Worker threads own their devices: the end of one ends its shares, promptly and no others. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { STAGES, type Stage } from '../../../backend-linux/test/vm/stages.ts'
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
    const mine = await device.share({ bytes: 4096, peer: 'fill' })
    const [doomed, survivor] = await Promise.all([startWorker('busy', 'pended'), startWorker('pended')])
    const pinned = pinnedPages()
    await doomed.terminate()
    assert.ok(pinnedPages() < pinned)
    assert.ok(pinnedPages() > device.stats().pinnedPages, 'the survivor has its shares')
    const rings = mine.doorbell.total
    mine.notify()
    while (mine.doorbell.total <= rings) await mine.doorbell.wait()
    await survivor.terminate()
    assert.equal((await mine.release()).reason, 'released')
    assert.equal(pinnedPages(), 0)
  })
})
