/** Law 4: while it is lent, memory cannot be freed, moved, shrunk or detached, and the collector ends no lease. */
import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Device, Region } from '@pendshare/core'
import type { Context } from '../context.ts'
import { room } from '../law.ts'
import { assertFilled, busyFill, lend, rung, stir } from './steps.ts'

export const memory = room('memory', (law) => {
  law('shares that nobody refers to live on, and their peers write on', ['peer fill'], async (context) => {
    const device = await context.open()
    await lendAndForget(context, device, 50)
    collect()
    const rings = () => device.shares().map(({ doorbell }) => doorbell.total)
    assert.equal(device.shares().length, 50)
    const before = rings()
    await context.until('rings of every forgotten share', () =>
      rings().every((total, at) => total > (before[at] ?? 0)),
    )
    collect()
    assert.equal(device.shares().length, 50)
    assert.ok(device.stats().pinnedPages >= 50)
  })

  law(
    'freed and collected memory of ended shares is never written',
    ['liveMemory', 'peer fill'],
    async (context) => {
      const device = await context.open()
      for (let round = 0; round < 10; round++) {
        await lendAndForget(context, device, 20)
        await context.within('the ends', Promise.all(device.shares().map((share) => share.release())))
        collect()
        const fresh = Array.from({ length: 20 }, () => Region.allocate(device.info.pageSize))
        await stir(context, device, 3)
        for (const region of fresh) assertFilled(region.memory, 0, 'new memory')
      }
    },
  )

  law('lent memory cannot be transferred, grown or shrunk', ['liveMemory', 'peer fill'], async (context) => {
    const device = await context.open()
    const share = await lend(context, device, 2, { peer: 'fill', peerOptions: { first: 1 } })
    const { buffer, byteLength } = share.memory
    assert.ok(buffer instanceof SharedArrayBuffer, 'share.memory is not shared memory')
    assert.throws(() => structuredClone(share.memory, { transfer: [buffer as never] }))
    if (buffer.growable)
      assert.throws(() => buffer.grow(buffer.byteLength + device.info.pageSize), RangeError)
    assert.deepEqual([share.memory.byteLength, share.memory.buffer], [byteLength, buffer])
    // A notification that comes before the first fill may coalesce with it.
    await rung(context, share, 1)
    share.notify()
    await rung(context, share, 2)
    assertFilled(share.memory, 2, 'the share')
  })

  // Of two threads that lend the same memory neither core knows of the other; a clone is what another thread has.
  law(
    'memory lent by two threads at once is two leases of the same pages',
    ['liveMemory', 'peer fill'],
    async (context) => {
      const device = await context.open()
      const mine = Region.allocate(device.info.pageSize)
      const theirs = Region.from(structuredClone(mine.memory))
      const [first, second] = await Promise.all(
        [mine, theirs].map((region, at) =>
          context.within(
            'share()',
            device.share(region, { peer: 'fill', peerOptions: { first: 1 + 100 * at } }),
          ),
        ),
      )
      assert.ok(first && second)
      await rung(context, first, 1)
      await rung(context, second, 1)
      assert.equal(device.stats().pinnedPages, 2)
      assert.equal((await context.within('release()', first.release())).reason, 'released')
      assert.equal(device.stats().pinnedPages, 1)
      second.notify()
      await rung(context, second, 2)
      assertFilled(mine.memory, 102, 'the memory of the share that is left')
      assert.equal((await context.within('release()', second.release())).reason, 'released')
      assert.equal(device.stats().pinnedPages, 0)
    },
  )
})

/** In a function of its own, so that no frame keeps the shares alive. */
async function lendAndForget(context: Context, device: Device, count: number): Promise<void> {
  for (let at = 0; at < count; at++) await lend(context, device, 1, busyFill(device, 0, 2_000_000))
}

/** Collects garbage, whatever flags the process was started with. */
function collect(): void {
  setFlagsFromString('--expose-gc')
  const gc: () => void = runInNewContext('gc')
  gc()
}
