import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { openFake } from './fake.ts'

async function doorbell() {
  const { backend, device } = await openFake({ ends: false })
  const share = await device.share({ bytes: 4096 })
  return {
    bell: share.doorbell,
    share,
    ring: (count: number) => backend.emit({ id: 1, kind: 'doorbell', count }),
    end: () => backend.ended(1, 'peer-ended'),
  }
}

/** What an async iterable yields, as it comes. */
function collect<T>(source: AsyncIterable<T>): { seen: T[]; done: Promise<void> } {
  const seen: T[] = []
  const run = async () => {
    for await (const each of source) seen.push(each)
  }
  return { seen, done: run() }
}

describe('wait()', () => {
  it('resolves at the next ring, with its count', async () => {
    const { bell, ring } = await doorbell()
    const waiting = bell.wait()
    ring(3)
    assert.equal(await waiting, 3)
  })

  it('adds up what rang meanwhile, and loses nothing', async () => {
    const { bell, ring } = await doorbell()
    ring(1)
    ring(2)
    assert.equal(await bell.wait(), 3)
    const waiting = bell.wait()
    ring(4)
    ring(5)
    assert.equal(await waiting, 9)
    assert.equal(bell.total, 12)
  })

  it('resolves waits that overlap together', async () => {
    const { bell, ring } = await doorbell()
    const waiting = [bell.wait(), bell.wait()]
    ring(2)
    assert.deepEqual(await Promise.all(waiting), [2, 2])
    ring(1)
    assert.equal(await bell.wait(), 1)
  })

  it('tells the rings before the end first, then rejects with the reason', async () => {
    const { bell, ring, end } = await doorbell()
    ring(2)
    end()
    assert.equal(await bell.wait(), 2)
    await assert.rejects(bell.wait(), { code: 'ERR_PENDSHARE_ENDED', message: /peer-ended/ })
  })

  it('rejects when the share ends', async () => {
    const { bell, end } = await doorbell()
    const waiting = bell.wait()
    end()
    await assert.rejects(waiting, {
      code: 'ERR_PENDSHARE_ENDED',
      message: /share 1 has ended \(peer-ended\)/,
    })
  })

  it('rejects with the reason of its signal, and leaves nothing behind', async () => {
    const { bell, ring } = await doorbell()
    const controller = new AbortController()
    const waiting = bell.wait({ signal: controller.signal })
    controller.abort('late')
    await assert.rejects(waiting, (reason) => reason === 'late')
    await assert.rejects(bell.wait({ signal: AbortSignal.abort('early') }), (reason) => reason === 'early')
    const { signal } = new AbortController()
    const woken = bell.wait({ signal })
    ring(1)
    assert.equal(await woken, 1)
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  })

  it('many waits on one signal do not warn', async () => {
    const warnings: Error[] = []
    const warned = (warning: Error) => warnings.push(warning)
    process.on('warning', warned)
    const { bell, ring } = await doorbell()
    const { signal } = new AbortController()
    const waits = Array.from({ length: 1000 }, () => bell.wait({ signal }))
    ring(1)
    await Promise.all(waits)
    await setImmediate()
    process.off('warning', warned)
    assert.deepEqual(warnings, [])
  })

  it('refuses what is no signal', async () => {
    const { bell } = await doorbell()
    const code = 'ERR_PENDSHARE_INVALID_ARGUMENT'
    // @ts-expect-error: deliberately wrong
    await assert.rejects(bell.wait({ signal: 1 }), { code, message: /signal/ })
    // @ts-expect-error: deliberately wrong
    assert.throws(() => bell.rings({ signal: 1 }), { code, message: /signal/ })
    const { signal } = new AbortController()
    await assert.rejects(bell.wait(signal as object), { code, message: /not the signal itself/ })
    assert.throws(() => bell.rings(signal as object), { code, message: /not the signal itself/ })
  })
})

describe('iteration', () => {
  it('yields every ring to each iterator, also to one that comes late', async () => {
    const { bell, ring, end } = await doorbell()
    const first = collect(bell)
    ring(1)
    await setImmediate()
    ring(2)
    const second = collect(bell)
    await setImmediate()
    ring(3)
    ring(4)
    end()
    await Promise.all([first.done, second.done])
    assert.deepEqual(first.seen, [1, 2, 7])
    assert.deepEqual(second.seen, [3, 7])
  })

  it('ends with the share, after the last ring', async () => {
    const { bell, ring, end, share } = await doorbell()
    ring(5)
    end()
    assert.equal(share.state, 'ended')
    const late = collect(bell)
    await late.done
    assert.deepEqual(late.seen, [5])
  })

  it('can be left while the share lives', async () => {
    const { bell, ring } = await doorbell()
    ring(1)
    for await (const count of bell) {
      assert.equal(count, 1)
      break
    }
    ring(1)
    assert.equal(await bell.wait(), 2)
  })

  it('of a doorbell nobody looked at before the end', async () => {
    const { share, end } = await (async () => {
      const { backend, device } = await openFake()
      const share = await device.share({ bytes: 4096 })
      return { share, end: () => backend.ended(1, 'closed') }
    })()
    end()
    const late = collect(share.doorbell)
    await late.done
    assert.deepEqual(late.seen, [])
    await assert.rejects(share.doorbell.wait(), { code: 'ERR_PENDSHARE_ENDED', message: /closed/ })
  })
})
