/** Worker threads own their devices: the end of one ends its shares, promptly and no others. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { STAGES, type Stage } from '../../../native/test/real/stages.ts'
import { endOneOfTwo } from '../../../native/test/real/workers.ts'
import type { Wakeup } from '../../src/index.ts'
import { openDevice, pinnedPages, threads, threadsFallTo, wakeups } from './bed.ts'

async function startWorker(wakeup: Wakeup, ...stages: readonly Stage[]): Promise<Worker> {
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: { wakeup, stages } })
  await once(worker, 'message')
  return worker
}

for (const wakeup of wakeups) {
  describe(`workers that are woken by ${wakeup}`, () => {
    for (const stage of STAGES) {
      it(`terminate() while ${stage} leaves nothing pinned and no thread`, async () => {
        const before = await threads()
        const worker = await startWorker(wakeup, stage)
        assert.equal(await worker.terminate(), 1)
        assert.equal(pinnedPages(), 0)
        await threadsFallTo(before)
      })
    }

    it('an uncaught exception in every stage at once leaves nothing pinned', async () => {
      const worker = await startWorker(wakeup, ...STAGES)
      const died = once(worker, 'error')
      worker.postMessage('die')
      assert.match(String(await died), /uncaught, as the test wants it/)
      await worker.terminate()
      assert.equal(pinnedPages(), 0)
    })

    it('several share at once, and the end of one leaves the shares of the others alone', async () => {
      await using device = await openDevice(wakeup)
      const both = () => Promise.all([startWorker(wakeup, 'busy', 'pended'), startWorker(wakeup, 'pended')])
      await endOneOfTwo(device, both, pinnedPages)
    })
  })
}
