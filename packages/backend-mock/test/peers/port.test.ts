import { expect, test } from 'vitest'
import type { PeerShare } from '../../src/index.ts'
import { bench, idlePeer, NOTHING, request, share } from '../harness.ts'

test('a peer sees the share as the program asked for it, and writes the very memory', async () => {
  const idle = idlePeer('idle')
  const one = await bench({ peers: [idle] })
  const wanted = request(7, { peer: 'idle', pages: 2, access: 'write', label: 'frames' })
  await share(one, wanted)
  const peer = idle.shares[0] as PeerShare
  expect(peer).toMatchObject({ id: 7, label: 'frames', access: 'write', length: 8192, ending: false })
  peer.memory[8191] = 42
  expect(wanted.memory[8191]).toBe(42)
  one.device.end(7, 'release')
  expect(peer.ending).toBe(true)
})

test('a peer that throws in detach is told of, and the share ends all the same', async () => {
  const careless = idlePeer('careless', {
    attach: () => ({
      detach() {
        throw new Error('careless')
      },
    }),
  })
  const one = await bench({ peers: [careless] })
  await share(one, request(1, { peer: 'careless' }))
  one.device.end(1, 'release')
  const uncaught = process.rawListeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const told = new Promise((resolve) => process.once('uncaughtException', resolve))
  one.driver.run()
  expect(await told).toMatchObject({ message: 'careless' })
  for (const listener of uncaught) process.on('uncaughtException', listener as () => void)
  expect(one.driver.stats).toEqual(NOTHING)
  expect(one.events).toHaveLength(1)
})
