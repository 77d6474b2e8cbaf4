import { expect, test } from 'vitest'
import type { MockPeer, PeerShare } from '../src/index.ts'
import { bench, idlePeer, NOTHING, request, share } from './harness.ts'

test('the order is detach, unmap, unpin, uncharge, end event', async () => {
  const one = await bench({ peers: [idlePeer('idle')] })
  await share(one, request(1, { peer: 'idle' }))
  expect(one.device.end(1, 'release')).toBe(true)
  const seen = []
  for (let name = one.driver.step(); name !== undefined; name = one.driver.step()) {
    const { pinnedPages, chargedPages } = one.driver.stats
    seen.push([name, pinnedPages, chargedPages, one.events.length])
  }
  expect(seen).toEqual([
    ['detach 1', 1, 1, 0],
    ['unmap 1', 1, 1, 0],
    ['unpin 1', 0, 1, 0],
    ['uncharge 1', 0, 0, 0],
    ['publish 1', 0, 0, 0],
    ['deliver', 0, 0, 1],
  ])
})

test('a step that is under way ends before the peer is detached, whichever runs first', async () => {
  const firsts = new Set<string | undefined>()
  for (let seed = 0; seed < 20; seed++) {
    const log: string[] = []
    const peer: MockPeer = {
      name: 'slow',
      attach: (share) => ({
        notify: () => log.push(`writes while ${share.ending ? 'ending' : 'live'}`),
        detach: () => log.push('detach'),
      }),
    }
    const one = await bench({ peers: [peer] })
    await share(one, request(1, { peer: 'slow' }))
    one.device.notify(1)
    expect(one.driver.step()).toBe('enter 1')
    one.device.end(1, 'cancel')
    expect(one.driver.ready).toEqual(['step 1', 'detach 1'])
    firsts.add(one.driver.runSeed(seed)[0])
    expect(log).toEqual(['writes while ending', 'detach'])
    expect(one.driver.stats).toEqual(NOTHING)
    expect(one.events).toHaveLength(1)
  }
  expect(firsts).toEqual(new Set(['step 1', 'detach 1']))
})

test('a step that was only asked for does not begin once the share is ending', async () => {
  const log: string[] = []
  const peer: MockPeer = { name: 'late', attach: () => ({ notify: () => log.push('writes') }) }
  const one = await bench({ peers: [peer] })
  await share(one, request(1, { peer: 'late' }))
  one.device.notify(1)
  one.device.end(1, 'release')
  expect(one.driver.run()).toContain('enter 1')
  expect(log).toEqual([])
})

test('a hold keeps the memory pinned through the detach, and the last one resumes the teardown', async () => {
  const idle = idlePeer('dma')
  const one = await bench({ peers: [idle] })
  await share(one, request(1, { peer: 'dma' }))
  const peer = idle.shares[0] as PeerShare
  const [first, second] = [peer.hold(), peer.hold()]
  one.device.end(1, 'release')
  expect(one.driver.run()).toEqual(['detach 1'])
  expect(peer.hold()).toBeUndefined()
  peer.memory[0] = 1
  first?.()
  first?.()
  expect(one.driver.run()).toEqual([])
  expect(one.driver.stats.pinnedPages).toBe(1)
  second?.()
  expect(one.driver.run()).toEqual(['unmap 1', 'unpin 1', 'uncharge 1', 'publish 1', 'deliver'])
  expect(one.events).toHaveLength(1)
})

test('a peer that outlives its share finds the memory closed, and changes nothing', async () => {
  const idle = idlePeer('stale')
  const one = await bench({ peers: [idle] })
  await share(one, request(1, { peer: 'stale' }))
  const peer = idle.shares[0] as PeerShare
  one.device.end(1, 'release')
  one.driver.run()
  expect(() => peer.memory).toThrow('after it was unmapped')
  peer.ring()
  peer.written(1)
  peer.end()
  peer.recall(1)
  peer.wake()
  peer.after(1000)
  one.driver.advance(1)
  one.driver.run()
  expect(one.events).toEqual([{ id: 1, kind: 'end', reason: 'released', bytes: 0 }])
})
