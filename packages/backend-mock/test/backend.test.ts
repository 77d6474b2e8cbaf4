import type { BackendEvent } from '@pendshare/core'
import { expect, test } from 'vitest'
import { mock } from '../src/index.ts'
import { NOTHING, request } from './harness.ts'

const REQUEST = { path: undefined, wakeup: undefined }

test('it is always usable, and says what it is', async () => {
  expect(await mock().probe()).toEqual({ usable: true, detail: expect.stringContaining('in this process') })
})

test('each mock is a driver of its own', async () => {
  const [one, other] = [mock(), mock()]
  const device = await one.open(REQUEST, () => {})
  device.share(request(1))
  expect([one.stats.shares, other.stats.shares]).toEqual([1, 0])
  await device.close()
})

test('by itself it accepts a short share inside the call, a long one outside, and delivers outside any call', async () => {
  const driver = mock()
  const events: BackendEvent[] = []
  const device = await driver.open(REQUEST, (batch) => events.push(...batch))
  expect(device.share(request(1, { pages: 256 }))).toBeUndefined()
  const long = device.share(request(2, { pages: 257 }))
  expect(long).toBeInstanceOf(Promise)
  expect(device.end(2, 'cancel')).toBe(false)
  expect(device.end(1, 'release')).toBe(true)
  expect(events).toEqual([])
  await long
  expect(events).toEqual([{ id: 1, kind: 'end', reason: 'released', bytes: 0 }])
  await device.close()
  expect(driver.stats).toEqual(NOTHING)
})

test('many ends come in one batch', async () => {
  const batches: number[] = []
  const driver = mock({ memlockBytes: 1 << 30 })
  const device = await driver.open(REQUEST, (batch) => batches.push(batch.length))
  for (let id = 1; id <= 1000; id++) device.share(request(id))
  for (let id = 1; id <= 1000; id++) device.end(id, id % 2 ? 'release' : 'cancel')
  await device.close()
  expect(batches).toEqual([1000])
})

test('by a seed every step can fall elsewhere, and all is decided and ended all the same', async () => {
  const orders = new Set<string>()
  for (let seed = 0; seed < 10; seed++) {
    const order: number[] = []
    const driver = mock({ schedule: { seed } })
    const device = await driver.open(REQUEST, (batch) => order.push(...batch.map(({ id }) => id)))
    await Promise.all([1, 2, 3].map((id) => device.share(request(id))))
    for (const id of [1, 2, 3]) device.end(id, 'release')
    await device.close()
    expect(order.toSorted()).toEqual([1, 2, 3])
    expect(driver.stats).toEqual(NOTHING)
    orders.add(order.join())
  }
  expect(orders.size).toBeGreaterThan(1)
})
