/** Law 1: from the call of share() until it rejects or has ended the kernel may touch the memory; before and after, never. */
import assert from 'node:assert/strict'
import { Region } from '@pendshare/core'
import { room } from '../law.ts'
import { assertFilled, lend, rejects, rung, SENTINEL, stir } from './steps.ts'

export const lease = room('lease', (law) => {
  law(
    'what the kernel writes is what JavaScript reads, every byte after every ring',
    ['liveMemory', 'peer fill'],
    async (context) => {
      const device = await context.open()
      const share = await lend(context, device, 5, { peer: 'fill', peerOptions: { first: 250 } })
      for (let round = 0; round < 300; round++) {
        await rung(context, share, round + 1)
        assertFilled(share.memory, (250 + round) & 0xff, `fill ${round}`)
        share.notify()
      }
      const end = await context.within('release()', share.release())
      assert.equal(end.bytes, share.memory.byteLength, 'End.bytes is not all that the peer has written')
    },
  )

  law(
    'the memory that is lent is the region’s own, and stays where it is',
    ['liveMemory', 'peer fill'],
    async (context) => {
      const device = await context.open()
      const region = Region.allocate(2 * device.info.pageSize)
      const { memory } = region
      const clone = structuredClone(memory)
      const share = await context.within(
        'share()',
        device.share(region, { peer: 'fill', peerOptions: { first: 9 } }),
      )
      assert.equal(share.region, region)
      assert.equal(share.memory, memory)
      await rung(context, share, 1)
      assertFilled(memory, 9, 'the region')
      assertFilled(clone, 9, 'a clone that was made before the share')
      await context.within('release()', share.release())
    },
  )

  law(
    'what JavaScript has written before the share is what it finds after it, when no peer writes',
    [],
    async (context) => {
      const device = await context.open()
      const region = Region.allocate(3 * device.info.pageSize)
      for (let at = 0; at < region.bytes; at++) region.memory[at] = at % 251
      const share = await context.within('share()', device.share(region, { access: 'read' }))
      await context.within('release()', share.release())
      assert.ok(
        region.memory.every((byte, at) => byte === at % 251),
        'the memory has changed',
      )
    },
  )

  law('only the memory that was lent is written', ['liveMemory', 'peer fill'], async (context) => {
    const device = await context.open()
    const { pageSize } = device.info
    const buffer = new SharedArrayBuffer(3 * pageSize, { maxByteLength: 3 * pageSize })
    const [before, middle, after] = [0, 1, 2].map(
      (page) => new Uint8Array(buffer, page * pageSize, pageSize),
    ) as [Uint8Array, Uint8Array, Uint8Array]
    before.fill(SENTINEL)
    after.fill(SENTINEL)
    const share = await context.within(
      'share()',
      device.share(Region.from(middle), { peer: 'fill', peerOptions: { first: 1 } }),
    )
    await rung(context, share, 1)
    await context.within('release()', share.release())
    assertFilled(before, SENTINEL, 'the page before the share')
    assertFilled(middle, 1, 'the share')
    assertFilled(after, SENTINEL, 'the page after the share')
  })

  law(
    'a signal that is aborted already: share() rejects with its reason, the driver hears nothing',
    [],
    async (context) => {
      const device = await context.open()
      const reason = new Error('changed my mind')
      const attempt = device.share({ bytes: device.info.pageSize, signal: AbortSignal.abort(reason) })
      await assert.rejects(
        context.within('share() with an aborted signal', attempt),
        (error) => error === reason,
      )
      assert.equal(context.witness(device).sightings.size, 0)
    },
  )

  law(
    'a signal that aborts while sharing: share() rejects with its reason, and nothing stays lent',
    [],
    async (context) => {
      const device = await context.open()
      for (const pages of [1, 64, 1024]) {
        const region = Region.allocate(pages * device.info.pageSize)
        const reason = new Error('changed my mind')
        const controller = new AbortController()
        const attempt = device.share(region, { signal: controller.signal })
        // Small memory may be accepted within the call; then there is a share, which the signal ends.
        const accepted = device.shares()[0]?.state === 'pended'
        controller.abort(reason)
        if (accepted) {
          const { ended } = await context.within('share()', attempt)
          assert.equal((await context.within('the end', ended)).cause, reason)
        } else
          await assert.rejects(
            context.within('share() that is aborted', attempt),
            (error) => error === reason,
          )
        assert.equal(region.lent, false)
        assert.deepEqual(device.shares(), [])
        assert.equal(device.stats().pinnedPages, 0)
        const again = await context.within('share() of the same region', device.share(region))
        await context.within('release()', again.release())
      }
    },
  )

  law('a refused share leaves the region free and untouched', ['peer fill'], async (context) => {
    const device = await context.open()
    const region = Region.allocate(device.info.pageSize)
    region.memory.fill(SENTINEL)
    await rejects(context, 'share() for an unknown peer', 'ERR_PENDSHARE_UNKNOWN_PEER', () =>
      device.share(region, { peer: 'no-such-peer' }),
    )
    assert.equal(region.lent, false)
    await stir(context, device)
    assertFilled(region.memory, SENTINEL, 'the refused region')
    const again = await context.within('share() of the same region', device.share(region))
    await context.within('release()', again.release())
  })

  law('a region is lent once at a time, on any device', [], async (context) => {
    const [device, other] = [await context.open(), await context.open()]
    const { pageSize } = device.info
    const region = Region.allocate(4 * pageSize)
    const part = Region.from(region.memory.subarray(pageSize, 2 * pageSize))
    const share = await context.within('share()', device.share(region))
    for (const each of [device, other])
      for (const lent of [region, part])
        await rejects(context, 'share() of memory that is lent', 'ERR_PENDSHARE_REGION_IN_USE', () =>
          each.share(lent),
        )
    const ending = share.release()
    await rejects(context, 'share() while the first share is ending', 'ERR_PENDSHARE_REGION_IN_USE', () =>
      other.share(region),
    )
    await context.within('release()', ending)
    const parts = [part, Region.from(region.memory.subarray(2 * pageSize))]
    const shares = await context.within(
      'share() of parts that do not overlap',
      Promise.all(parts.map((each) => other.share(each))),
    )
    await context.within('release()', Promise.all(shares.map((each) => each.release())))
  })

  law(
    'a peer that only reads leaves the memory alone, and a writer gets it when the lease ends',
    ['liveMemory', 'peer fill'],
    async (context) => {
      const device = await context.open()
      const region = Region.allocate(device.info.pageSize)
      region.memory.fill(SENTINEL)
      const reading = await context.within('share()', device.share(region, { access: 'read' }))
      await stir(context, device)
      assertFilled(region.memory, SENTINEL, 'the region that is lent for reading')
      await context.within('release()', reading.release())
      // Once only: who fills again and again comes by the sentinel's value too.
      const filling = { peer: 'fill', peerOptions: { first: 1 } } as const
      const writing = await context.within('share()', device.share(region, filling))
      await rung(context, writing, 1)
      await context.within('release()', writing.release())
      assertFilled(region.memory, 1, 'the region that a writer has filled')
    },
  )
})
