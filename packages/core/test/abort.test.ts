import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { PendshareError } from '../src/index.ts'
import { openFake } from './fake.ts'

const REASON = new Error('no longer wanted')

describe('a signal aborted before share()', () => {
  it('rejects with its reason and calls no driver', async () => {
    const { backend, device } = await openFake()
    const sharing = device.share({ bytes: 4096, signal: AbortSignal.abort(REASON) })
    await assert.rejects(sharing, REASON)
    assert.deepEqual(backend.calls, [])
  })
})

describe('a signal aborted while sharing', () => {
  const abortWhileSharing = async () => {
    const pin = Promise.withResolvers<void>()
    const { backend, device } = await openFake({ ends: false, answer: () => pin.promise })
    const controller = new AbortController()
    const sharing = device.share({ bytes: 4096, signal: controller.signal })
    const [share] = device.shares()
    assert(share)
    let rejected = false
    sharing.catch(() => {
      rejected = true
    })
    controller.abort(REASON)
    await setImmediate()
    assert.equal(rejected, false)
    return { backend, pin, share, sharing, rejected: () => rejected }
  }

  it('rejects only after the accepted share was cancelled and has ended', async () => {
    const { backend, pin, share, sharing, rejected } = await abortWhileSharing()
    pin.resolve()
    await setImmediate()
    assert.equal(backend.calls.at(-1), 'cancel 1')
    assert.equal(rejected(), false)
    assert.equal(share.region.lent, true)
    backend.ended(1, 'cancelled')
    await assert.rejects(sharing, REASON)
    assert.equal(share.region.lent, false)
    assert.equal((await share.ended).cause, REASON)
  })

  it('rejects with its reason when the driver refuses', async () => {
    const { pin, share, sharing } = await abortWhileSharing()
    const refusal = new PendshareError('ERR_PENDSHARE_MEMLOCK', 'too much')
    pin.reject(refusal)
    await assert.rejects(sharing, REASON)
    assert.equal(share.region.lent, false)
    assert.equal((await share.ended).error, refusal)
  })

  it('rejects with its reason also when the share was to be released', async () => {
    const pin = Promise.withResolvers<void>()
    const { device } = await openFake({ answer: () => pin.promise })
    const controller = new AbortController()
    const sharing = device.share({ bytes: 4096, signal: controller.signal })
    const released = device.shares()[0]?.release()
    controller.abort(REASON)
    pin.resolve()
    await assert.rejects(sharing, REASON)
    assert.equal((await released)?.reason, 'released')
  })

  it('rejects with its reason when the share ended by itself first', async () => {
    const { backend, sharing } = await abortWhileSharing()
    backend.ended(1, 'peer-ended')
    await assert.rejects(sharing, REASON)
  })
})

describe('a signal aborted later', () => {
  it('ends the share as cancelled, with its reason as cause', async () => {
    const { device } = await openFake()
    const controller = new AbortController()
    const share = await device.share({ bytes: 4096, signal: controller.signal })
    controller.abort(REASON)
    const { reason, cause } = await share.ended
    assert.deepEqual({ reason, cause }, { reason: 'cancelled', cause: REASON })
  })

  it('loses against a release that came first', async () => {
    const { backend, device } = await openFake()
    const controller = new AbortController()
    const share = await device.share({ bytes: 4096, signal: controller.signal })
    const released = share.release()
    controller.abort(REASON)
    assert.equal((await released).reason, 'released')
    assert.equal(backend.calls.includes('cancel 1'), false)
  })

  it('does nothing after the end', async () => {
    const { backend, device } = await openFake()
    const controller = new AbortController()
    const share = await device.share({ bytes: 4096, signal: controller.signal })
    const end = await share.release()
    controller.abort(REASON)
    assert.equal(await share.ended, end)
    assert.equal(backend.calls.includes('cancel 1'), false)
  })
})

describe('one listener for each signal and device', () => {
  it('serves 10,000 shares without a warning, and goes with the last one', async () => {
    const warnings: Error[] = []
    const warned = (warning: Error) => warnings.push(warning)
    process.on('warning', warned)
    const first = await openFake()
    const second = await openFake()
    const controller = new AbortController()
    const { signal } = controller
    const shares = []
    for (let count = 0; count < 10_000; count++)
      shares.push(await first.device.share({ bytes: 4096, signal }))
    const other = await second.device.share({ bytes: 4096, signal })
    assert.equal(getEventListeners(signal, 'abort').length, 2)

    await other.release()
    assert.equal(getEventListeners(signal, 'abort').length, 1)
    controller.abort(REASON)
    for (const share of shares) assert.equal((await share.ended).cause, REASON)
    assert.equal(getEventListeners(signal, 'abort').length, 0)
    process.off('warning', warned)
    assert.deepEqual(warnings, [])
  })

  it('leaves none when the driver refuses', async () => {
    const { device } = await openFake({
      answer: () => {
        throw new PendshareError('ERR_PENDSHARE_QUOTA', 'enough')
      },
    })
    const { signal } = new AbortController()
    await assert.rejects(device.share({ bytes: 4096, signal }), { code: 'ERR_PENDSHARE_QUOTA' })
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  })
})
