import { expect, test } from 'vitest'
import { bench, idlePeer, NOTHING, request, share } from './harness.ts'

test('what abi.h refuses is refused before anything is taken', async () => {
  const reader = idlePeer('writer', { access: 'write' })
  const one = await bench({ peers: [reader] })
  await share(one, request(1))
  const { stats } = one.driver
  const huge = { byteLength: 2 ** 40 + 4096 } as Uint8Array // only its length is looked at
  for (const [given, code, errno] of [
    [{}, 'ERR_PENDSHARE_SYSTEM', 'EEXIST'],
    [{ id: 2, event: 5n }, 'ERR_PENDSHARE_BAD_EVENT', 'EBADF'],
    [{ id: 2, pages: 0 }, 'ERR_PENDSHARE_INVALID_ARGUMENT', 'EINVAL'],
    [{ id: 2, memory: new Uint8Array(100) }, 'ERR_PENDSHARE_INVALID_ARGUMENT', 'EINVAL'],
    [{ id: 2, memory: huge }, 'ERR_PENDSHARE_TOO_LARGE', 'EOVERFLOW'],
    [{ id: 2, peer: 'nobody' }, 'ERR_PENDSHARE_UNKNOWN_PEER', 'ENOENT'],
    [{ id: 2, peer: 'writer', access: 'read' }, 'ERR_PENDSHARE_INVALID_ARGUMENT', 'EINVAL'],
  ] as const) {
    expect(() => one.device.share(request(1, given))).toThrow(
      expect.objectContaining({ code, cause: expect.objectContaining({ name: errno }) }),
    )
  }
  expect(one.driver.stats).toEqual(stats)
  expect(one.driver.ready).toEqual([])
})

test('an id may be used again only once its end was delivered', async () => {
  const one = await bench()
  await share(one, request(1))
  one.device.end(1, 'release')
  while (one.driver.ready[0] !== 'deliver') one.driver.step()
  expect(() => one.device.share(request(1))).toThrow(
    expect.objectContaining({ code: 'ERR_PENDSHARE_SYSTEM' }),
  )
  one.driver.run()
  await share(one, request(1))
})

test('close() ends every share as closed, refuses new ones, and resolves after the last end', async () => {
  const one = await bench()
  for (const id of [1, 2, 3]) await share(one, request(id))
  one.device.end(2, 'release')
  let closed = false
  const closing = one.device.close().then(() => {
    closed = true
  })
  expect(() => one.device.share(request(4))).toThrow(
    expect.objectContaining({ code: 'ERR_PENDSHARE_CLOSED' }),
  )
  while (one.driver.ready.length > 1 || one.driver.ready[0] !== 'deliver') one.driver.step()
  await Promise.resolve()
  expect(closed).toBe(false)
  one.driver.run()
  await closing
  expect(one.events.map((event) => event.kind === 'end' && [event.id, event.reason])).toEqual([
    [2, 'released'],
    [1, 'closed'],
    [3, 'closed'],
  ])
  expect(one.driver.stats).toEqual(NOTHING)
})

test('close() of an idle device resolves without a step', async () => {
  const one = await bench()
  await one.device.close()
  expect(one.driver.ready).toEqual([])
})

test('a removed device tells so after the last end, once, and stays dead', async () => {
  const one = await bench()
  await share(one, request(1))
  one.driver.remove()
  one.driver.remove()
  one.driver.run()
  expect(one.events).toEqual([
    { id: 1, kind: 'end', reason: 'device-removed', bytes: 0 },
    { id: 0, kind: 'removed' },
  ])
  expect(() => one.device.share(request(2))).toThrow(
    expect.objectContaining({ code: 'ERR_PENDSHARE_REMOVED' }),
  )
  await one.device.close()
  const again = await one.driver.open({ path: undefined, wakeup: undefined }, () => {})
  await share({ ...one, device: again }, request(1))
})

test('close() after a removal that was not told yet waits until it was', async () => {
  const one = await bench()
  one.driver.remove()
  const closing = one.device.close()
  one.driver.run()
  await closing
  expect(one.events).toEqual([{ id: 0, kind: 'removed' }])
})

test('when the owner dies its shares end, and its device serves nobody any more', async () => {
  const one = await bench()
  await share(one, request(1))
  one.driver.ownerExit()
  one.driver.run()
  expect(one.events).toEqual([{ id: 1, kind: 'end', reason: 'owner-exited', bytes: 0 }])
  expect(() => one.device.share(request(2))).toThrow(
    expect.objectContaining({ code: 'ERR_PENDSHARE_NOT_OWNER' }),
  )
  expect(one.driver.stats).toEqual(NOTHING)
})
