import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { END_REASONS, type EndReason, PendshareError, Region, type Share } from '../src/index.ts'
import { openFake } from './fake.ts'

/** Brings a share into each state; the fake ends nothing by itself. */
const STATES = {
  sharing: async () => {
    const pin = Promise.withResolvers<void>()
    const { backend, device } = await openFake({ ends: false, answer: () => pin.promise })
    const accepted = device.share({ bytes: 4096 })
    const [share] = device.shares()
    assert(share)
    const accept = () => {
      pin.resolve()
      return accepted
    }
    return { backend, device, share, accept }
  },
  pended: async () => {
    const { backend, device } = await openFake({ ends: false })
    const share = await device.share({ bytes: 4096 })
    return { backend, device, share, accept: async () => share }
  },
  ending: async () => {
    const reached = await STATES.pended()
    reached.share.release()
    return reached
  },
  ended: async () => {
    const reached = await STATES.pended()
    reached.backend.ended(1, 'peer-ended', 7)
    return reached
  },
} as const

describe('in every state', () => {
  for (const [state, reach] of Object.entries(STATES)) {
    it(`${state}: release and cancel resolve with the one end`, async () => {
      const { backend, share, accept } = await reach()
      assert.equal(share.state, state)
      const released = share.release()
      const cancelled = share.cancel('too late')
      await accept()
      backend.ended(1, 'released')
      const end = await released
      assert.equal(await cancelled, end)
      assert.equal(await share.release(), end)
      assert.equal(await share.ended, end)
      assert.equal(end.reason, state === 'ended' ? 'peer-ended' : 'released')
      assert.equal(share.state, 'ended')
      const asked = backend.calls.filter((call) => /release|cancel/.test(call))
      assert.deepEqual(asked, state === 'ended' ? [] : ['release 1'])
    })

    it(`${state}: notify`, async () => {
      const { backend, share } = await reach()
      if (state === 'ending' || state === 'ended') {
        const how = state === 'ending' ? /ending/ : /peer-ended/
        assert.throws(() => share.notify(), { code: 'ERR_PENDSHARE_ENDED', message: how })
      } else share.notify()
      assert.equal(backend.calls.includes('notify 1'), state === 'pended')
    })

    it(`${state}: disposing cancels what is live and awaits the end`, async () => {
      const { backend, share, accept } = await reach()
      const disposed = share[Symbol.asyncDispose]()
      await accept()
      backend.ended(1, 'cancelled')
      assert.equal(await disposed, undefined)
      assert.equal(share.state, 'ended')
    })

    it(`${state}: ref and unref hold the event loop only while live`, async () => {
      const { backend, share, accept } = await reach()
      const live = state !== 'ended'
      assert.deepEqual(backend.refs(), live ? ['ref'] : ['ref', 'unref'])
      assert.equal(share.unref().unref(), share)
      assert.deepEqual(backend.refs(), ['ref', 'unref'])
      assert.equal(share.ref().ref(), share)
      assert.deepEqual(backend.refs(), live ? ['ref', 'unref', 'ref'] : ['ref', 'unref'])
      await accept()
      backend.ended(1, 'closed')
      await share.ended
      assert.deepEqual(backend.refs(), live ? ['ref', 'unref', 'ref', 'unref'] : ['ref', 'unref'])
    })

    it(`${state}: closing the device ends it as closed, or leaves its end`, async () => {
      const { backend, device, share, accept } = await reach()
      backend.closing = async () => backend.ended(1, 'closed')
      const closed = device.close()
      await accept()
      await closed
      assert.equal((await share.ended).reason, state === 'ended' ? 'peer-ended' : 'closed')
      assert.equal((await share.cancel()).reason, (await share.ended).reason)
    })

    it(`${state}: the region is lent until the end`, async () => {
      const { device, share } = await reach()
      assert.equal(share.region.lent, state !== 'ended')
      if (state === 'ended') await device.share(share.region)
      else await assert.rejects(device.share(share.region), { code: 'ERR_PENDSHARE_REGION_IN_USE' })
    })
  }
})

describe('the end', () => {
  it('says why, how much and how long, and is frozen', async () => {
    const { backend, share } = await STATES.pended()
    backend.emit({ id: 1, kind: 'end', reason: 'deadline', bytes: 4000 })
    const end = await share.ended
    assert.deepEqual(Object.keys(end), ['reason', 'bytes', 'heldForMs'])
    assert.equal(end.reason, 'deadline')
    assert.equal(end.bytes, 4000)
    assert(end.heldForMs >= 0)
    assert(Object.isFrozen(end))
  })

  it('keeps what cancel() was given, when that is what won', async () => {
    const won = await STATES.pended()
    const cause = new Error('enough')
    won.share.cancel(cause)
    won.backend.ended(1, 'cancelled')
    assert.equal((await won.share.ended).cause, cause)

    const lost = await STATES.pended()
    lost.share.cancel(cause)
    lost.backend.ended(1, 'device-removed')
    assert.equal('cause' in (await lost.share.ended), false)
  })

  it('carries the error of a failed share, and invents one when the backend has none', async () => {
    const { backend, device, share } = await STATES.pended()
    const error = new PendshareError('ERR_PENDSHARE_RING_CORRUPT', 'consumer position out of range')
    backend.emit({ id: 1, kind: 'end', reason: 'failed', bytes: 0, error })
    assert.equal((await share.ended).error, error)
    const other = await device.share({ bytes: 4096 })
    backend.ended(2, 'failed')
    assert.equal((await other.ended).error?.code, 'ERR_PENDSHARE_PEER_FAILED')
  })

  it('may come before the driver has answered', async () => {
    const { backend, device, share } = await STATES.sharing()
    backend.ended(1, 'peer-ended', 12)
    assert.equal((await share.ended).bytes, 12)
    assert.equal(share.state, 'ended')
    assert.deepEqual(device.shares(), [])
  })

  it('is what share() resolves with, when it overtakes the answer', async () => {
    const { backend, device } = await openFake({ answer: () => new Promise(() => {}) })
    const sharing = device.share({ bytes: 4096 })
    backend.ended(1, 'peer-ended')
    assert.equal((await sharing).state, 'ended')
  })

  for (const reason of END_REASONS) {
    it(`${reason} settles every waiter once`, async () => {
      const { backend, share } = await STATES.pended()
      const seen: EndReason[] = []
      share.ended.then((end) => seen.push(end.reason))
      share.release().then((end) => seen.push(end.reason))
      backend.ended(1, reason)
      await setImmediate()
      assert.deepEqual(seen, [reason, reason])
    })
  }
})

describe('a share', () => {
  it('shows what it was made of', async () => {
    const { device } = await openFake()
    const region = Region.allocate(4096)
    const share = await device.share(region, { peer: 'fill', access: 'write', label: 'frame' })
    const { id, label, access, peer } = share
    assert.deepEqual({ id, label, access, peer }, { id: 1, label: 'frame', access: 'write', peer: 'fill' })
    assert.equal(share.region, region)
    assert.equal(share.memory, region.memory)
  })

  it('hands a recall on, also to those who look late', async () => {
    const { backend, share } = await STATES.pended()
    const early = share.recalled
    assert.equal(early.aborted, false)
    backend.emit({ id: 1, kind: 'recall', graceMs: 50 })
    assert.deepEqual(early.reason, { graceMs: 50 })

    const late = await STATES.pended()
    late.backend.emit({ id: 1, kind: 'recall', graceMs: 5 })
    assert.deepEqual(late.share.recalled.reason, { graceMs: 5 })
    assert.equal(late.share.state, 'pended')
  })

  it('is disposed by await using, and throws nothing when it has ended', async () => {
    const { device } = await openFake()
    let outer: Share
    {
      await using share = await device.share({ bytes: 4096 })
      outer = share
      await share.release()
    }
    assert.equal((await outer.ended).reason, 'released')
  })

  it('is kept until its end, though nobody else holds it', () => {
    const script = `
      import { open } from '../src/index.ts'
      import { setImmediate } from 'node:timers/promises'
      import { FakeBackend } from './fake.ts'
      const backend = new FakeBackend()
      const device = await open({ backend })
      const weak = new WeakRef((await device.share({ bytes: 4096 })).memory)
      for (let turn = 0; turn < 5; turn++) { await setImmediate(); gc() }
      console.log(weak.deref() !== undefined && device.shares().length === 1)
    `
    const args = [
      '--expose-gc',
      '--conditions=@pendshare/source',
      '--input-type=module-typescript',
      '-e',
      script,
    ]
    const { stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    })
    assert.equal(stdout, 'true\n', stderr)
  })
})

describe('under churn', () => {
  it('10,000 shares on one buffer end out of order without quadratic cost', async () => {
    const { backend, device } = await openFake({ ends: false, info: { maxShares: 10_000 } })
    const count = 10_000
    const buffer = new SharedArrayBuffer(count * 4096, { maxByteLength: count * 4096 })
    const shares: Share[] = []
    for (let index = 0; index < count; index++) {
      const at = ((index * 7919) % count) * 4096
      shares.push(await device.share(Region.from(new Uint8Array(buffer, at, 4096))))
    }
    assert.equal(device.shares().length, count)
    for (const share of shares) share.cancel()
    for (const id of [...backend.live].reverse()) backend.ended(id, 'cancelled')
    for (const share of shares) assert.equal((await share.ended).reason, 'cancelled')
    assert.equal(device.shares().length, 0)
  })
})
