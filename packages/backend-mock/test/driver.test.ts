import { expect, test } from 'vitest'
import { bench, idlePeer, request, share } from './harness.ts'

test('a recall reaches every share of every device, and devices stay usable', async () => {
  const one = await bench()
  const more: unknown[] = []
  const second = await one.driver.open({ path: undefined, wakeup: undefined }, (batch) => more.push(...batch))
  await share(one, request(1))
  await share({ ...one, device: second }, request(1))
  one.driver.recall(10)
  await share(one, request(2))
  one.driver.advance(10)
  one.driver.run()
  const recalled = [
    { id: 1, kind: 'recall', graceMs: 10 },
    { id: 1, kind: 'end', reason: 'recalled', bytes: 0 },
  ]
  expect([one.events, more]).toEqual([recalled, recalled])
  expect(one.device.stats().shares).toBe(1)
})

test('a device that was closed is not spoken to any more', async () => {
  const one = await bench()
  await one.device.close()
  one.driver.remove()
  one.driver.run()
  expect(one.events).toEqual([])
})

test('access that a peer needs may be granted with more, never with less', async () => {
  const peers = (['read', 'write', 'readwrite'] as const).map((access) => idlePeer(access, { access }))
  const one = await bench({ peers: [...peers, idlePeer('any')] })
  const granted: string[] = []
  let id = 0
  for (const peer of ['read', 'write', 'readwrite', 'any']) {
    for (const access of ['read', 'write', 'readwrite'] as const) {
      id += 1
      const accepted = share(one, request(id, { peer, access })).then(
        () => granted.push(`${peer}: ${access}`),
        () => undefined,
      )
      await accepted
    }
  }
  expect(granted).toEqual([
    'read: read',
    'read: readwrite',
    'write: write',
    'write: readwrite',
    'readwrite: readwrite',
    'any: read',
    'any: write',
    'any: readwrite',
  ])
})

test('a peer of the name of a built-in one stands in for it', async () => {
  const mine = idlePeer('clock')
  const one = await bench({ peers: [mine] })
  expect(one.device.info.peers).toEqual(['fill', 'echo', 'clock', 'blast', 'capture', 'loopback'])
  await share(one, request(1, { peer: 'clock', label: 'mine', peerOptions: Uint8Array.of(1, 2) }))
  expect(mine.shares[0]).toMatchObject({ id: 1, label: 'mine', length: 4096, options: Uint8Array.of(1, 2) })
})
