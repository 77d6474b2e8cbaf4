import { expect, test } from 'vitest'
import { bench, idlePeer, NOTHING, request, share } from './harness.ts'

test('a share is set up step by step, 512 pages at a time', async () => {
  const one = await bench({ peers: [idlePeer('idle')] })
  const accepted = one.device.share(request(1, { peer: 'idle', pages: 1025 }))
  expect(one.driver.run()).toEqual(['quota 1', 'charge 1', 'pin 1', 'pin 1', 'pin 1', 'map 1', 'attach 1'])
  await accepted
})

for (const [name, end, code] of [
  ['close', 'close', 'ERR_PENDSHARE_CLOSED'],
  ['removal', 'remove', 'ERR_PENDSHARE_REMOVED'],
  ['the death of the owner', 'ownerExit', 'ERR_PENDSHARE_NOT_OWNER'],
] as const) {
  test(`${name} while pinning refuses the share, and nothing stays pinned`, async () => {
    for (let steps = 0; steps < 4; steps++) {
      const one = await bench()
      const refused = expect(one.device.share(request(1, { pages: 1025 }))).rejects.toMatchObject({ code })
      for (let step = 0; step < steps; step++) one.driver.step()
      const closed = end === 'close' ? one.device.close() : one.driver[end]()
      one.driver.run()
      await refused
      await closed
      expect(one.driver.stats).toEqual(NOTHING)
      expect(one.events.filter((event) => event.id !== 0)).toEqual([])
    }
  })
}

test('a peer may end the share while it attaches: it is accepted, then ends', async () => {
  const brief = idlePeer('brief', {
    attach(share) {
      share.written(100)
      share.ring()
      share.end()
      return {}
    },
  })
  const one = await bench({ peers: [brief] })
  await share(one, request(1, { peer: 'brief' }))
  one.driver.run()
  expect(one.events).toEqual([
    { id: 1, kind: 'doorbell', count: 1 },
    { id: 1, kind: 'end', reason: 'peer-ended', bytes: 100 },
  ])
  expect(one.driver.stats).toEqual(NOTHING)
})

test('what a peer throws while it attaches is the cause of the refusal', async () => {
  const cause = new TypeError('bad options')
  const picky = idlePeer('picky', {
    attach() {
      throw cause
    },
  })
  const one = await bench({ peers: [picky] })
  await expect(share(one, request(1, { peer: 'picky' }))).rejects.toMatchObject({
    code: 'ERR_PENDSHARE_PEER_FAILED',
    cause,
  })
  expect(one.driver.stats).toEqual(NOTHING)
  one.driver.run()
  expect(one.events).toEqual([])
})

test('nobody hears of a share that its peer refuses after it has rung', async () => {
  const fickle = idlePeer('fickle', {
    attach(share) {
      share.ring()
      share.recall(1)
      share.wake()
      share.after(1000)
      throw new Error('no, after all')
    },
  })
  const one = await bench({ peers: [fickle] })
  await share(one, request(2))
  one.device.end(2, 'release')
  const refused = share(one, request(1, { peer: 'fickle' }))
  await expect(refused).rejects.toThrow('no, after all')
  one.driver.advance(10)
  one.driver.run()
  expect(one.events).toEqual([{ id: 2, kind: 'end', reason: 'released', bytes: 0 }])
  expect(one.driver.stats).toEqual(NOTHING)
})
