/** What holds of worker threads on every real driver, whatever the bed. */
import assert from 'node:assert/strict'
import type { Worker } from 'node:worker_threads'
import type { Device } from '@pendshare/core'

/**
 * Ends one of two workers that have shares, while this thread has one of its own. `pinnedPages`: for anyone, as the driver
 * says it.
 */
export async function endOneOfTwo(
  device: Device,
  startBoth: () => Promise<readonly [doomed: Worker, survivor: Worker]>,
  pinnedPages: () => number,
): Promise<void> {
  const mine = await device.share({ bytes: device.info.pageSize, peer: 'fill' })
  const [doomed, survivor] = await startBoth()
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
}
