import { expect, test } from 'vitest'
import type { PeerShare } from '../../src/index.ts'
import { bench, idlePeer, request, share } from '../harness.ts'
import { lateDriver } from '../late.ts'

/** A peer that keeps what each of its steps was given. */
function stepping(begin: (share: PeerShare) => void, again = (_: number) => false) {
  const steps: [now: number, ticks: number][] = []
  const peer = idlePeer('stepping', {
    attach(share) {
      begin(share)
      return {
        notify: () => share.wake(),
        step(now, ticks) {
          steps.push([now, ticks])
          return again(steps.length)
        },
      }
    },
  })
  return { peer, steps }
}

test('every() steps at each period, at its time, and tells one tick', async () => {
  const { peer, steps } = stepping((share) => share.every(100_000))
  const one = await bench({ peers: [peer] })
  await share(one, request(1, { peer: 'stepping' }))
  one.driver.advance(0.35)
  one.driver.run()
  expect(steps).toEqual([
    [100_000, 1],
    [200_000, 1],
    [300_000, 1],
  ])
})

test('after() steps once, and the later call counts', async () => {
  const { peer, steps } = stepping((share) => {
    share.after(1e6)
    share.after(2e6)
  })
  const one = await bench({ peers: [peer] })
  await share(one, request(1, { peer: 'stepping' }))
  one.driver.advance(10)
  one.driver.run()
  expect(steps).toEqual([[2e6, 0]])
})

test('wakes coalesce, and a step that is not done steps again', async () => {
  const { peer, steps } = stepping(
    (share) => {
      share.wake()
      share.wake()
    },
    (count) => count < 3,
  )
  const one = await bench({ peers: [peer] })
  await share(one, request(1, { peer: 'stepping' }))
  one.driver.run()
  expect(steps).toHaveLength(3)
})

test('a period out of range is refused', async () => {
  for (const period of [0, 49_999, 3.7e12, Number.NaN]) {
    const { peer } = stepping((share) => share.every(period))
    const one = await bench({ peers: [peer] })
    await expect(share(one, request(1, { peer: 'stepping' }))).rejects.toMatchObject({
      code: 'ERR_PENDSHARE_INVALID_ARGUMENT',
    })
  }
})

test('a timer that is later than a second does not catch up, but tells what it missed', () => {
  const { peer, steps } = stepping((share) => share.every(1e6))
  const timer = lateDriver(peer, request(1, { peer: 'stepping' }))
  timer.expire(1e6 + 0.5e9)
  timer.expire(2e6 + 2.5e9)
  expect(steps).toEqual([
    [1e6, 1],
    [2e6 + 2.5e9, 2501],
  ])
})

test('the timer stops with the share', async () => {
  const { peer, steps } = stepping((share) => share.every(1e6))
  const one = await bench({ peers: [peer] })
  await share(one, request(1, { peer: 'stepping' }))
  one.device.end(1, 'release')
  one.driver.advance(10)
  one.driver.run()
  expect(steps).toEqual([])
})
