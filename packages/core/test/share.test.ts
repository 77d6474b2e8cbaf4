import assert from 'node:assert/strict'
import { it } from 'vitest'
import { open, Region } from '../src/index.ts'
import { FakeBackend } from './fake.ts'

it('lends and takes back', async () => {
  const backend = new FakeBackend()
  await using device = await open({ backend })
  await using share = await device.share({ bytes: 4096, peer: 'clock', peerOptions: { periodNs: 100_000 } })
  assert.equal(share.state, 'pended')
  assert.equal((await share.release()).reason, 'released')
  const region = Region.allocate(8192)
  const again = await device.share(region)
  await assert.rejects(device.share(region), { code: 'ERR_PENDSHARE_REGION_IN_USE' })
  backend.emit({ id: again.id, kind: 'doorbell', count: 3 })
  assert.equal(await again.doorbell.wait(), 3)
})
