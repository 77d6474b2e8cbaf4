/** Many handles of one process, and what the backend refuses by itself. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Device, PendshareError, Region } from '@pendshare/core'
import { windows } from '../../src/index.ts'
import { openDevice, pinnedPages, revoke } from './bed.ts'

const HANDLES = 500
const REVOKED = 100

/** Without it there is no private memory at a page boundary that a share could be made of. */
declare const WebAssembly: { Memory: new (limits: { initial: number }) => { buffer: ArrayBuffer } }

async function openAndLend(count: number): Promise<Device[]> {
  const devices: Device[] = []
  for (let n = 0; n < count; n++) {
    const device = await openDevice()
    const share = await device.share({ bytes: 4096, peer: 'fill' })
    if (share.doorbell.total === 0) await share.doorbell.wait()
    devices.push(device)
  }
  return devices
}

describe('one process', () => {
  it(`has ${HANDLES} devices open, each with a share that rings, and closes them all at once`, async () => {
    const devices = await openAndLend(HANDLES)
    assert.equal(pinnedPages(), HANDLES)
    const shares = devices.flatMap((device) => device.shares())
    await Promise.all(devices.map((device) => device.close()))
    for (const share of shares) assert.equal((await share.ended).reason, 'closed')
    assert.equal(pinnedPages(), 0)
  })

  it(`has ${REVOKED} devices open when they are revoked, and hears of each end`, async () => {
    const devices = await openAndLend(REVOKED)
    const shares = devices.flatMap((device) => device.shares())
    revoke(0)
    for (const share of shares) assert.equal((await share.ended).reason, 'device-removed')
    await Promise.all(devices.map((device) => device.close()))
    assert.equal(pinnedPages(), 0)
  })

  it('closes while large memory is pinned on the pool, and settles it', async () => {
    const device = await openDevice()
    const shares = Promise.allSettled([1, 2, 3].map((n) => device.share({ bytes: n << 22 })))
    await device.close()
    for (const outcome of await shares) {
      if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'ERR_PENDSHARE_CLOSED')
      else assert.equal((await outcome.value.ended).reason, 'closed')
    }
    assert.equal(pinnedPages(), 0)
  })
})

describe('the backend', () => {
  it('names the NTSTATUS in the cause', async () => {
    await using device = await openDevice()
    await assert.rejects(device.share({ bytes: 4096, peer: 'nobody' }), (error: unknown) => {
      assert.ok(error instanceof PendshareError)
      assert.deepEqual(error.cause, { name: 'STATUS_NOT_FOUND', number: 0xc0000225 })
      return true
    })
  })

  it('knows one way of waking up', async () => {
    const request = { path: undefined, wakeup: 'poll' }
    await assert.rejects(
      windows.open(request, () => {}),
      { code: 'ERR_PENDSHARE_INVALID_ARGUMENT' },
    )
  })

  it('tells a missing device from one that is another driver’s', async () => {
    for (const path of ['\\\\.\\no-such-device', '\\\\.\\NUL']) {
      const request = { path, wakeup: undefined }
      await assert.rejects(
        windows.open(request, () => {}),
        { code: 'ERR_PENDSHARE_NO_DRIVER' },
      )
    }
    assert.equal((await windows.probe()).usable, true)
  })

  it('lends memory of its own trust without a section, and writes it back at the end', async () => {
    await using device = await openDevice()
    const aligned = new WebAssembly.Memory({ initial: 1 }).buffer
    const region = Region.from(new Uint8Array(aligned), { trustDetachable: true })
    const share = await device.share(region, { peer: 'fill', peerOptions: { first: 9 } })
    if (share.doorbell.total === 0) await share.doorbell.wait()
    const { bytes } = await share.release()
    assert.equal(bytes, region.bytes)
  })
})
