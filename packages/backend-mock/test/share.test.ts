import { PendshareError } from '@pendshare/core'
import { expect, test } from 'vitest'
import type { PeerShare } from '../src/index.ts'
import { bench, idlePeer, NOTHING, request, share } from './harness.ts'

test('of two ends the first wins, and the event names it', async () => {
  const one = await bench()
  await share(one, request(1))
  expect([one.device.end(1, 'cancel'), one.device.end(1, 'release')]).toEqual([true, false])
  one.driver.run()
  expect(one.events).toEqual([{ id: 1, kind: 'end', reason: 'cancelled', bytes: 0 }])
  expect(one.device.end(1, 'release')).toBe(false)
})

test('a share ends at its deadline, not before, and not when something else came first', async () => {
  const one = await bench()
  await share(one, request(1, { deadlineMs: 10 }))
  await share(one, request(2, { deadlineMs: 10 }))
  one.driver.advance(9.999)
  one.driver.run()
  expect(one.events).toEqual([])
  one.device.end(2, 'release')
  one.driver.advance(0.001)
  one.driver.run()
  expect(one.events.map((event) => event.kind === 'end' && [event.id, event.reason])).toEqual([
    [2, 'released'],
    [1, 'deadline'],
  ])
})

test('a recall is told with its grace, and ends the share when that has passed', async () => {
  const idle = idlePeer('idle')
  const one = await bench({ peers: [idle] })
  await share(one, request(1, { peer: 'idle' }))
  idle.shares[0]?.recall(5)
  one.driver.advance(5)
  one.driver.run()
  expect(one.events).toEqual([
    { id: 1, kind: 'recall', graceMs: 5 },
    { id: 1, kind: 'end', reason: 'recalled', bytes: 0 },
  ])
})

test('of a deadline and a recall the earlier one ends the share', async () => {
  for (const [deadlineMs, graceMs, reason] of [
    [5, 10, 'deadline'],
    [10, 5, 'recalled'],
  ] as const) {
    const one = await bench()
    await share(one, request(1, { deadlineMs }))
    one.driver.recall(graceMs)
    one.driver.advance(20)
    one.driver.run()
    expect(one.events.at(-1)).toMatchObject({ kind: 'end', reason })
    expect(one.driver.time).toBe(20)
  }
})

test('a share that is ending takes no recall, and no notification', async () => {
  const idle = idlePeer('idle')
  const one = await bench({ peers: [idle] })
  await share(one, request(1, { peer: 'idle' }))
  one.device.end(1, 'release')
  idle.shares[0]?.recall(5)
  one.device.notify(1)
  one.driver.run()
  one.device.notify(1)
  one.device.notify(99)
  expect(one.events).toHaveLength(1)
})

test('notifications coalesce into one call of the peer, and start anew after it', async () => {
  let calls = 0
  const peer = idlePeer('counter', {
    attach: () => ({
      notify: () => {
        calls += 1
      },
    }),
  })
  const one = await bench({ peers: [peer] })
  await share(one, request(1, { peer: 'counter' }))
  for (let i = 0; i < 3; i++) one.device.notify(1)
  expect(calls).toBe(0)
  one.driver.run()
  expect(calls).toBe(1)
  one.device.notify(1)
  one.driver.run()
  expect(calls).toBe(2)
})

test('whoever takes no notifications says so', async () => {
  const one = await bench({ peers: [idlePeer('deaf')] })
  await share(one, request(1, { peer: 'deaf' }))
  await share(one, request(2))
  for (const id of [1, 2]) {
    expect(() => one.device.notify(id)).toThrow(
      expect.objectContaining({ code: 'ERR_PENDSHARE_NOT_NOTIFIABLE' }),
    )
  }
})

test('what a peer throws ends the share as failed, with it as the cause', async () => {
  const cause = new Error('device on fire')
  const broken = idlePeer('broken', {
    attach: () => ({
      notify() {
        throw cause
      },
    }),
  })
  const one = await bench({ peers: [broken] })
  await share(one, request(1, { peer: 'broken' }))
  one.device.notify(1)
  one.driver.run()
  expect(one.events).toEqual([
    {
      id: 1,
      kind: 'end',
      reason: 'failed',
      bytes: 0,
      error: expect.objectContaining({ code: 'ERR_PENDSHARE_PEER_FAILED', cause }),
    },
  ])
  expect(one.driver.stats).toEqual(NOTHING)
})

test('a failure that comes too late changes nothing', async () => {
  const idle = idlePeer('idle')
  const one = await bench({ peers: [idle] })
  await share(one, request(1, { peer: 'idle' }))
  one.device.end(1, 'release')
  ;(idle.shares[0] as PeerShare).fail(new PendshareError('ERR_PENDSHARE_PEER_FAILED', 'late'))
  one.driver.run()
  expect(one.events).toEqual([{ id: 1, kind: 'end', reason: 'released', bytes: 0 }])
})

test('the end counts the bytes written, within the share, and never less than before', async () => {
  const idle = idlePeer('idle')
  const one = await bench({ peers: [idle] })
  for (const [id, written, bytes] of [
    [1, [100, 50], 100],
    [2, [1e9], 4096],
  ] as const) {
    await share(one, request(id, { peer: 'idle' }))
    for (const count of written) idle.shares.at(-1)?.written(count)
    one.device.end(id, 'release')
    one.driver.run()
    expect(one.events.at(-1)).toMatchObject({ id, bytes })
  }
})
