import { expect, test } from 'vitest'
import { Faults } from '../src/faults.ts'
import { mock } from '../src/index.ts'
import { bench, NOTHING, options, request, share } from './harness.ts'

test('the nth step fails, once, and says which it was', () => {
  const faults = new Faults()
  const fault = faults.failNth(3)
  faults.pass('allocate')
  faults.pass('quota')
  expect(fault.fired).toBeUndefined()
  expect(() => faults.pass('charge')).toThrow(expect.objectContaining({ code: 'ERR_PENDSHARE_MEMLOCK' }))
  expect(fault.fired).toBe('charge')
  faults.pass('pin')
})

test('a fault can be disarmed, and needs a number', () => {
  const faults = new Faults()
  faults.failNth(1).disarm()
  faults.pass('allocate')
  for (const n of [0, -1, 1.5, Number.NaN]) expect(() => faults.failNth(n)).toThrow(RangeError)
})

const EVERY_STEP = ['allocate', 'quota', 'charge', 'pin', 'pin', 'pin', 'map', 'attach']

test('fail the nth step until the share passes: nothing stays pinned, charged or attached', async () => {
  const one = await bench()
  const failed: unknown[] = []
  for (let n = 1; ; n++) {
    const fault = one.driver.failNth(n)
    const wanted = request(n, { peer: 'clock', peerOptions: options(1e6), pages: 2 * 512 + 1 })
    const refused = await share(one, wanted).catch((error: unknown) => error)
    if (fault.fired === undefined) break
    failed.push(fault.fired)
    expect(refused).toMatchObject({ name: 'PendshareError' })
    expect(one.driver.stats).toEqual(NOTHING)
    expect(one.device.stats()).toEqual({ shares: 0, pinnedPages: 0, totalPinnedPages: 0 })
    one.driver.advance(10)
    expect(one.driver.run()).toEqual([])
  }
  expect(failed).toEqual(EVERY_STEP)
  expect(one.events).toEqual([])
  expect(one.driver.stats.pinnedPages).toBe(2 * 512 + 1)
})

test('the same where a share is set up inside its call', async () => {
  const driver = mock()
  const device = await driver.open({ path: undefined, wakeup: undefined }, () => {})
  const failed: unknown[] = []
  for (let n = 1; ; n++) {
    const fault = driver.failNth(n)
    let refused: unknown
    try {
      device.share(request(n, { peer: 'fill' }))
    } catch (error) {
      refused = error
    }
    if (fault.fired === undefined) break
    failed.push(fault.fired)
    expect(refused).toMatchObject({ name: 'PendshareError' })
    expect(driver.stats).toEqual(NOTHING)
  }
  expect(failed).toEqual(['allocate', 'quota', 'charge', 'pin', 'map', 'attach'])
  await device.close()
  expect(driver.stats).toEqual(NOTHING)
})
