import { expect, test } from 'vitest'
import { bench, idlePeer, NOTHING, request, share } from './harness.ts'

test('it tells what the driver offers, the limits as they were set', async () => {
  const { device } = await bench({ maxShares: 5, peers: [idlePeer('mine')] })
  expect(device.info).toEqual({
    abi: 1,
    version: '0.1.0',
    peers: ['fill', 'echo', 'clock', 'blast', 'capture', 'loopback', 'mine'],
    pageSize: 4096,
    maxBytes: 2 ** 40,
    maxShares: 5,
    minPeriodNs: 50_000,
  })
})

test('it counts what is its own, and what is everyone’s', async () => {
  const one = await bench()
  const other = await one.driver.open({ path: undefined, wakeup: undefined }, () => {})
  await share(one, request(1, { pages: 2 }))
  await share({ ...one, device: other }, request(1, { pages: 3 }))
  expect(one.device.stats()).toEqual({ shares: 1, pinnedPages: 2, totalPinnedPages: 5 })
  expect(other.stats()).toEqual({ shares: 1, pinnedPages: 3, totalPinnedPages: 5 })
  await one.driver.until(Promise.all([one.device.close(), other.close()]))
  expect(one.driver.stats).toEqual(NOTHING)
})

test('a share that is ending counts until its end was delivered', async () => {
  const one = await bench()
  await share(one, request(1))
  one.device.end(1, 'release')
  while (one.driver.ready[0] !== 'deliver') one.driver.step()
  expect(one.device.stats()).toEqual({ shares: 1, pinnedPages: 0, totalPinnedPages: 0 })
  one.driver.run()
  expect(one.device.stats()).toEqual({ shares: 0, pinnedPages: 0, totalPinnedPages: 0 })
})
