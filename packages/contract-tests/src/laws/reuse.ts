/** Law 3: when a share has ended, no kernel code touches its memory again and no page of it is pinned. */
import assert from 'node:assert/strict'
import { type Device, Region } from '@pendshare/core'
import { room } from '../law.ts'
import { assertFilled, lend, MANY_ROUNDS, SENTINEL, stir } from './steps.ts'
import { stage, ways } from './ways.ts'

export const reuse = room('reuse', (law) => {
  for (const way of ways)
    law(
      `memory that a peer was writing stays untouched after its end by ${way.name}`,
      ['liveMemory', 'peer fill', ...way.needs],
      async (context) => {
        const scene = await stage(context, await context.open(), [way])
        const { memory, ended } = scene.share
        const brought = Promise.resolve(way.begin(scene))
        const { reason } = await context.within(`the end by ${way.name}`, ended)
        memory.fill(SENTINEL)
        assert.equal(reason, way.reason)
        await context.within(way.name, brought)
        await stir(context, way.spends ? await context.open() : scene.device)
        assertFilled(memory, SENTINEL, 'the memory was touched after its end')
      },
    )

  law(
    'the same region is lent again in the tick in which its share ended, many times',
    ['peer fill'],
    async (context) => {
      const device = await context.open()
      const region = Region.allocate(4 * device.info.pageSize)
      for (let round = 0; round < MANY_ROUNDS; round++) {
        const share = await context.within('share()', device.share(region, { peer: 'fill' }))
        assert.equal(region.lent, true)
        await context.within('the end', round % 2 === 0 ? share.release() : share.cancel())
        assert.equal(region.lent, false)
        region.memory.fill(SENTINEL)
      }
      await stir(context, device)
      assertFilled(region.memory, SENTINEL, 'the memory was touched after its end')
    },
  )

  law('pages are counted while they are lent, and gone when the end is told', [], async (context) => {
    const device = await context.open()
    assert.deepEqual(countsOf(device), { shares: 0, pinnedPages: 0 })
    const shares = [
      await lend(context, device, 1),
      await lend(context, device, 16),
      await lend(context, device, 300),
    ]
    const counts = countsOf(device)
    assert.equal(counts.shares, 3)
    assert.ok(counts.pinnedPages >= 317, `${counts.pinnedPages} pages are counted, not 317 or more`)
    assert.ok(device.stats().totalPinnedPages >= counts.pinnedPages)
    for (const share of shares) {
      const pinned = device.stats().pinnedPages
      const told = share.ended.then(() => device.stats().pinnedPages)
      await context.within('release()', share.release())
      const pages = share.memory.byteLength / device.info.pageSize
      assert.ok((await told) <= pinned - pages, 'pages were still counted when the end was told')
    }
    assert.deepEqual(countsOf(device), { shares: 0, pinnedPages: 0 })
  })

  law('the environment counts the same pages, and none after the end', ['pinnedPages'], async (context) => {
    const count = async () => (await context.subject.hooks?.pinnedPages?.()) ?? Number.NaN
    const device = await context.open()
    const before = await count()
    const share = await lend(context, device, 64)
    assert.equal((await count()) - before, 64)
    await context.within('release()', share.release())
    assert.equal(await count(), before)
  })
})

function countsOf(device: Device): { shares: number; pinnedPages: number } {
  const { shares, pinnedPages } = device.stats()
  return { shares, pinnedPages }
}
