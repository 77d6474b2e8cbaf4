import { expect, test } from 'vitest'
import { mock } from '../src/index.ts'
import { Pages } from '../src/pages.ts'
import { bench, NOTHING, request, share } from './harness.ts'

const PAGE_SIZE = 4096

test('a charge over the limit is refused, says what is needed and how to raise it, and charges nothing', () => {
  const pages = new Pages(10 * PAGE_SIZE, PAGE_SIZE)
  pages.charge(8)
  expect(() => pages.charge(3)).toThrow(
    expect.objectContaining({
      code: 'ERR_PENDSHARE_MEMLOCK',
      cause: { name: 'ENOMEM', number: 12 },
      message: expect.stringMatching(
        /3 pages needs 11 pages.*limit is 10.*mock\(\{ memlockBytes: 45056 \}\).*ulimit -l 44/s,
      ),
    }),
  )
  expect(pages.charged).toBe(8)
  pages.charge(2)
  pages.uncharge(10)
  expect(pages.charged).toBe(0)
})

test('the limit counts over all devices, and ends free it', async () => {
  const first = await bench({ memlockBytes: 4 * PAGE_SIZE })
  const second = await first.driver.open({ path: undefined, wakeup: undefined }, () => {})
  await share(first, request(1, { pages: 3 }))
  const refused = expect(second.share(request(1, { pages: 2 }))).rejects.toMatchObject({
    code: 'ERR_PENDSHARE_MEMLOCK',
  })
  first.driver.run()
  await refused
  expect(first.driver.stats).toEqual({ shares: 1, pinnedPages: 3, chargedPages: 3 })
  expect(second.stats()).toEqual({ shares: 0, pinnedPages: 0, totalPinnedPages: 3 })
  first.device.end(1, 'release')
  first.driver.run()
  expect(first.driver.stats).toEqual(NOTHING)
  await share({ ...first, device: second }, request(2, { pages: 4 }))
  expect(second.stats()).toEqual({ shares: 1, pinnedPages: 4, totalPinnedPages: 4 })
})

test('pages of another size: what is not whole pages of it is refused, and each counts as one', async () => {
  const { driver, device } = await bench({ pageSize: 16384, memlockBytes: 65536 })
  expect(device.info.pageSize).toBe(16384)
  expect(() => device.share(request(1))).toThrow(
    expect.objectContaining({ cause: { name: 'EINVAL', number: 22 } }),
  )
  await driver.until(Promise.resolve(device.share(request(2, { pages: 12 }))))
  expect(driver.stats).toMatchObject({ pinnedPages: 3, chargedPages: 3 })
})

test.each([0, 2048, 5000, Number.NaN])('a page of %d bytes is refused', (pageSize) => {
  expect(() => mock({ pageSize })).toThrow(/a power of two, at least 4096/)
})
