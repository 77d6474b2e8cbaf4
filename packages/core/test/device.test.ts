import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { type Device, PendshareError, Region } from '../src/index.ts'
import { INFO, openFake } from './fake.ts'

const refusal = new PendshareError('ERR_PENDSHARE_MEMLOCK', 'the limit is 16 pages; raise it with ulimit -l')

/** Runs `run` and returns the messages of the warnings that it caused. */
async function warningsOf(run: () => void | Promise<void>): Promise<string[]> {
  const messages: string[] = []
  const warned = (warning: Error) => messages.push(warning.message)
  process.on('warning', warned)
  await run()
  await setImmediate()
  process.off('warning', warned)
  return messages
}

describe('share()', () => {
  it('hands the backend a checked request', async () => {
    const { backend, device } = await openFake()
    const region = Region.allocate(8192)
    await device.share(region, {
      access: 'readwrite',
      peer: 'clock',
      peerOptions: { periodNs: 100_000, ticks: 3 },
      doorbell: 7,
      label: 'frames',
      deadlineMs: 1000,
    })
    await device.share({ bytes: 4096 })
    const [full, bare] = backend.requests
    assert.deepEqual(full, {
      id: 1,
      memory: region.memory,
      access: 'readwrite',
      peer: 'clock',
      peerOptions: new Uint8Array(new BigUint64Array([100_000n, 16n, 3n]).buffer),
      frames: undefined,
      reply: undefined,
      event: 7n,
      label: 'frames',
      deadlineMs: 1000,
    })
    assert.equal(full?.memory, region.memory)
    assert.deepEqual(bare, {
      id: 2,
      memory: new Uint8Array(4096),
      access: 'readwrite',
      peer: '',
      peerOptions: new Uint8Array(0),
      frames: undefined,
      reply: undefined,
      event: undefined,
      label: '',
      deadlineMs: undefined,
    })
  })

  it('uses an id once, also when the share was refused', async () => {
    let refuse = true
    const { backend, device } = await openFake({
      answer: () => {
        if (refuse) throw refusal
      },
    })
    await assert.rejects(device.share({ bytes: 4096 }), refusal)
    refuse = false
    const share = await device.share({ bytes: 4096 })
    await share.release()
    await device.share({ bytes: 4096 })
    assert.deepEqual(
      backend.requests.map((request) => request.id),
      [1, 2, 3],
    )
  })

  for (const [how, answer] of [
    [
      'throws',
      () => {
        throw refusal
      },
    ],
    ['rejects', () => Promise.reject(refusal)],
  ] as const) {
    it(`leaves nothing behind when the backend ${how}`, async () => {
      const { backend, device } = await openFake({ answer })
      const region = Region.allocate(4096)
      await assert.rejects(device.share(region), refusal)
      assert.equal(region.lent, false)
      assert.deepEqual(device.shares(), [])
      assert.deepEqual(backend.refs(), ['ref', 'unref'])
    })
  }

  it('is not confused by a backend that ends and then refuses', async () => {
    const pin = Promise.withResolvers<void>()
    const { backend, device } = await openFake({ answer: () => pin.promise })
    const region = Region.allocate(4096)
    const sharing = device.share(region)
    pin.reject(refusal)
    backend.ended(1, 'peer-ended')
    await assert.rejects(sharing, refusal)
    backend.answer = () => {}
    await device.share(region)
    assert.equal(region.lent, true)
  })

  it('wraps a foreign error of the backend', async () => {
    const cause = new TypeError('a bug')
    const { device } = await openFake({ answer: () => Promise.reject(cause) })
    const wrapped = { code: 'ERR_PENDSHARE_SYSTEM', message: 'share(): a bug', cause }
    await assert.rejects(device.share({ bytes: 4096 }), wrapped)
  })

  it('takes memory of the backend, where that makes it', async () => {
    const memory = new Uint8Array(8192)
    const { backend, device } = await openFake({ allocate: (bytes) => memory.subarray(0, bytes) })
    const share = await device.share({ bytes: 4096 })
    assert.equal(share.memory.buffer, memory.buffer)
    assert.equal(backend.requests[0]?.memory, share.memory)
    await assert.rejects(device.share({ bytes: 100 }), { code: 'ERR_PENDSHARE_UNALIGNED' })
  })

  it('reports a backend that cannot allocate', async () => {
    const { backend, device } = await openFake({
      allocate: () => {
        throw new PendshareError('ERR_PENDSHARE_NO_MEMORY', 'none left')
      },
    })
    await assert.rejects(device.share({ bytes: 4096 }), { code: 'ERR_PENDSHARE_NO_MEMORY' })
    assert.deepEqual(backend.calls, [])
  })

  it("minds the device's limits", async () => {
    const { backend, device } = await openFake({ info: { pageSize: 16384, maxBytes: 65536 } })
    await assert.rejects(device.share(Region.allocate(4096)), {
      code: 'ERR_PENDSHARE_UNALIGNED',
      message: /16384/,
    })
    await assert.rejects(device.share({ bytes: 131072 }), {
      code: 'ERR_PENDSHARE_TOO_LARGE',
      message: /65536/,
    })
    await assert.rejects(device.share(Region.allocate(131072)), { code: 'ERR_PENDSHARE_TOO_LARGE' })
    assert.deepEqual(backend.calls, [])
  })
})

describe('events', () => {
  it('of an unknown share are reported once as the fault of the backend and harm none', async () => {
    const { backend, device } = await openFake()
    const share = await device.share({ bytes: 4096 })
    const warnings = await warningsOf(() => {
      backend.emit(
        { id: 9, kind: 'doorbell', count: 1 },
        { id: 9, kind: 'end', reason: 'released', bytes: 0 },
      )
      backend.emit({ id: 1, kind: 'doorbell', count: 1 })
    })
    assert.equal(warnings.length, 1)
    assert.match(warnings[0] ?? '', /backend 'fake' is at fault: event 'doorbell' of share 9/)
    assert.equal(share.doorbell.total, 1)
    assert.equal((await share.release()).reason, 'released')
  })

  it('a second end of a share is a fault, and changes nothing', async () => {
    const { backend, device } = await openFake()
    const share = await device.share({ bytes: 4096 })
    backend.ended(1, 'peer-ended')
    const warnings = await warningsOf(() => backend.emit({ id: 1, kind: 'end', reason: 'closed', bytes: 0 }))
    assert.equal(warnings.length, 1)
    assert.equal((await share.ended).reason, 'peer-ended')
  })

  it('are taken in batches, in their order', async () => {
    const { backend, device } = await openFake()
    const [first, second] = [await device.share({ bytes: 4096 }), await device.share({ bytes: 4096 })]
    backend.emit(
      { id: 1, kind: 'doorbell', count: 2 },
      { id: 2, kind: 'recall', graceMs: 5 },
      { id: 1, kind: 'doorbell', count: 3 },
      { id: 1, kind: 'end', reason: 'peer-ended', bytes: 1 },
    )
    assert.equal(first.doorbell.total, 5)
    assert.equal(first.state, 'ended')
    assert.equal(second.recalled.aborted, true)
  })
})

describe('the event loop', () => {
  it('is held by live shares together, not by an idle device', async () => {
    const { backend, device } = await openFake()
    assert.deepEqual(backend.refs(), [])
    const [first, second] = [await device.share({ bytes: 4096 }), await device.share({ bytes: 4096 })]
    first.unref()
    await second.release()
    assert.deepEqual(backend.refs(), ['ref', 'unref'])
    first.ref()
    await first.release()
    assert.deepEqual(backend.refs(), ['ref', 'unref', 'ref', 'unref'])
  })

  it('is held while the device drains, also when every share was unref’d', async () => {
    const { backend, device } = await openFake()
    const share = await device.share({ bytes: 4096 })
    share.unref()
    const closed = device.close()
    assert.deepEqual(backend.refs(), ['ref', 'unref', 'ref'])
    await closed
    share.ref().unref()
    assert.deepEqual(backend.refs(), ['ref', 'unref', 'ref'])
  })
})

describe('close()', () => {
  it('ends every share as closed, then resolves; the same promise for all', async () => {
    const { backend, device } = await openFake()
    const shares = [await device.share({ bytes: 4096 }), await device.share({ bytes: 4096 })]
    const closed = device.close()
    assert.equal(device.close(), closed)
    assert.equal(device.state, 'closing')
    assert.deepEqual(
      shares.map((share) => share.state),
      ['ending', 'ending'],
    )
    await closed
    assert.equal(device.state, 'closed')
    assert.deepEqual(device.shares(), [])
    for (const share of shares) assert.equal((await share.release()).reason, 'closed')
    assert.equal(backend.calls.filter((call) => call === 'close').length, 1)
  })

  it('does not begin an end of its own for a share that is ending', async () => {
    const { backend, device } = await openFake({ ends: false })
    const share = await device.share({ bytes: 4096 })
    const closed = device.close()
    share.cancel()
    backend.ended(1, 'closed')
    await closed
    assert.equal(backend.calls.includes('cancel 1'), false)
  })

  for (const accepts of [true, false]) {
    it(`settles a share that is ${accepts ? 'accepted' : 'refused'} meanwhile`, async () => {
      const pin = Promise.withResolvers<void>()
      const { backend, device } = await openFake({ answer: () => pin.promise })
      backend.closing = async () => {
        if (accepts) pin.resolve()
        else {
          backend.live.clear()
          pin.reject(new PendshareError('ERR_PENDSHARE_CLOSED', 'closing'))
        }
      }
      const sharing = device.share({ bytes: 4096 })
      await Promise.all([
        device.close(),
        accepts
          ? sharing.then(async (share) => assert.equal((await share.ended).reason, 'closed'))
          : assert.rejects(sharing, { code: 'ERR_PENDSHARE_CLOSED' }),
      ])
      assert.deepEqual(device.shares(), [])
    })
  }

  it('is what await using does', async () => {
    const { backend, device } = await openFake()
    {
      await using scoped: Device = device
      await scoped.share({ bytes: 4096 })
    }
    assert.equal(device.state, 'closed')
    assert.equal(backend.live.size, 0)
  })

  it('does not hang on an end that the backend lost, and never lends that memory again', async () => {
    const { device } = await openFake({ ends: false })
    const share = await device.share({ bytes: 4096 })
    const warnings = await warningsOf(() => device.close())
    assert.match(warnings.join(), /without the end of share 1,/)
    const end = await share.ended
    assert.equal(end.reason, 'failed')
    assert.equal(end.error?.code, 'ERR_PENDSHARE_SYSTEM')
    assert.equal(share.region.lent, true)
  })

  it('does not hang on an answer that the backend lost', async () => {
    const { device } = await openFake({ ends: false, answer: () => new Promise(() => {}) })
    const sharing = device.share({ bytes: 4096 })
    await warningsOf(() => device.close())
    assert.equal((await (await sharing).ended).reason, 'failed')
  })

  it('rejects when the backend does, and is closed all the same', async () => {
    const cause = new Error('bad handle')
    const { device } = await openFake({ ends: false, closing: () => Promise.reject(cause) })
    const share = await device.share({ bytes: 4096 })
    await warningsOf(() => assert.rejects(device.close(), { code: 'ERR_PENDSHARE_SYSTEM', cause }))
    assert.equal(device.state, 'closed')
    assert.equal((await share.ended).reason, 'failed')
  })
})

describe('in every state of the device', () => {
  const states: Record<string, () => ReturnType<typeof openFake>> = {
    open: () => openFake(),
    removed: async () => {
      const opened = await openFake()
      opened.backend.emit({ id: 0, kind: 'removed' })
      return opened
    },
    closing: async () => {
      const opened = await openFake({ closing: () => setImmediate() })
      opened.device.close()
      return opened
    },
    closed: async () => {
      const opened = await openFake()
      await opened.device.close()
      return opened
    },
  }
  const refused: Record<string, string> = {
    removed: 'ERR_PENDSHARE_REMOVED',
    closing: 'ERR_PENDSHARE_CLOSED',
    closed: 'ERR_PENDSHARE_CLOSED',
  }
  for (const [state, reach] of Object.entries(states)) {
    it(state, async () => {
      const { backend, device } = await reach()
      assert.equal(device.state, state)
      assert.deepEqual(device.info, INFO)
      assert.equal(device.supports, backend.supports)
      assert.deepEqual(device.choice, { backend: 'fake', why: 'given to open()' })
      const code = refused[state]
      if (code === undefined) await device.share({ bytes: 4096 })
      else await assert.rejects(device.share({ bytes: 4096 }), { code })
      assert.equal(device.shares().length, code === undefined ? 1 : 0)
      if (state === 'closed') assert.throws(() => device.stats(), { code })
      else assert.equal(device.stats().shares, device.shares().length)
      await device.close()
      assert.equal(device.state, 'closed')
    })
  }

  it('removed: live shares end as the driver says', async () => {
    const { backend, device } = await openFake()
    const share = await device.share({ bytes: 4096 })
    backend.emit({ id: 0, kind: 'removed' }, { id: 1, kind: 'end', reason: 'device-removed', bytes: 0 })
    assert.equal((await share.release()).reason, 'device-removed')
  })
})
