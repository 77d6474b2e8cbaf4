/** A child that goes through everything once, on whatever Node runs it: `life.ts WAKEUP`. Says what it saw. */
import { Worker } from 'node:worker_threads'
import { loadAddon } from '../../src/addon.ts'
import type { Wakeup } from '../../src/index.ts'
import { openDevice, pinnedPages } from './bed.ts'

const [wakeup] = process.argv.slice(2) as [Wakeup] // by versions.test.ts
const device = await openDevice(wakeup)
const small = await device.share({ bytes: device.info.pageSize, peer: 'fill' })
const large = await device.share({ bytes: 8 << 20, peer: 'fill' })
for (const share of [small, large]) {
  await share.doorbell.wait()
  share.notify()
  await share.doorbell.wait()
  console.log(share.memory[0], share.memory.at(-1))
}
console.log((await small.release()).reason, (await large.cancel()).reason)
const plain = await device.share({ bytes: device.info.pageSize })
console.log((await plain.release()).reason)

const worker = new Worker(new URL('worker.ts', import.meta.url), {
  workerData: { wakeup, stages: ['busy', 'closing', 'pinning'] },
})
await new Promise((resolve) => worker.once('message', resolve))
console.log(await worker.terminate(), pinnedPages())

const last = await device.share({ bytes: device.info.pageSize })
await device.close()
console.log((await last.ended).reason, pinnedPages(), loadAddon().addon.abi.PENDSHARE_ABI_VERSION)
