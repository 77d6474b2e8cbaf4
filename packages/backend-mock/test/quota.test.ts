import { expect, test } from 'vitest'
import { bench, idlePeer, NOTHING, options, request, share } from './harness.ts'

test('the quota of shares counts until the end, and refuses with its code', async () => {
  const one = await bench({ maxShares: 2 })
  await share(one, request(1))
  await share(one, request(2))
  await expect(share(one, request(3))).rejects.toMatchObject({
    code: 'ERR_PENDSHARE_QUOTA',
    cause: { name: 'EDQUOT', number: 122 },
  })
  one.device.end(1, 'release')
  one.driver.run()
  await share(one, request(4))
  expect(one.driver.stats.shares).toBe(2)
})

test('the rates of all timers add up, and are given back', async () => {
  const one = await bench({ maxTicksPerSecond: 1500 })
  const ticking = { peer: 'clock', peerOptions: options(1e6), pages: 2 }
  await share(one, request(1, ticking))
  await expect(share(one, request(2, ticking))).rejects.toMatchObject({ code: 'ERR_PENDSHARE_QUOTA' })
  expect(one.driver.stats).toEqual({ shares: 1, pinnedPages: 2, chargedPages: 2 })
  one.device.end(1, 'release')
  one.driver.run()
  await share(one, request(3, ticking))
  one.device.end(3, 'cancel')
  one.driver.run()
  expect(one.driver.stats).toEqual(NOTHING)
})

test('a peer that refuses after it took a timer gives the rate back', async () => {
  const picky = idlePeer('picky', {
    attach(share) {
      share.every(1e6)
      throw new Error('no')
    },
  })
  const one = await bench({ maxTicksPerSecond: 1500, peers: [picky] })
  for (const id of [1, 2]) await expect(share(one, request(id, { peer: 'picky' }))).rejects.toThrow('no')
  await share(one, request(3, { peer: 'clock', peerOptions: options(1e6), pages: 2 }))
})

test('a peer has one timer at a time, and none once its share is unmapped', async () => {
  const idle = idlePeer('idle')
  const one = await bench({ maxTicksPerSecond: 1500, peers: [idle] })
  await share(one, request(1, { peer: 'idle' }))
  const peer = idle.shares[0]
  peer?.every(1e6)
  peer?.every(2e6)
  peer?.every(1e6)
  peer?.after(1e6)
  peer?.every(1e6)
  one.device.end(1, 'release')
  one.driver.run()
  peer?.every(1e6)
  await share(one, request(2, { peer: 'clock', peerOptions: options(1e6), pages: 2 }))
})
