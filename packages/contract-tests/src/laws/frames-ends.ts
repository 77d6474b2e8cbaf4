/** Frames and the end of their share: what is held stays readable, what was published is handed out, nonsense fails the share. */
import assert from 'node:assert/strict'
import { framesLength, Region, type Share } from '@pendshare/core'
import { ENTRY_WORDS, readLayout, TO_KERNEL, TO_USER } from '@pendshare/core/frames/layout'
import { room } from '../law.ts'
import { assertCaptured, bounded, header, lendFrames, next } from './frame-steps.ts'
import { assertFilled, FEW_ROUNDS, rejects, SENTINEL, stir } from './steps.ts'

const SLOTS = 4

interface Entry {
  readonly slot: number
  readonly bytes?: number
}

/** What a program could write that is wrong about its frames, where it has all slots. */
const nonsense: { what: string; entries?: readonly Entry[]; claims?: number }[] = [
  { what: 'a slot that there is not', entries: [{ slot: SLOTS }] },
  { what: 'slot 2^32 - 1', entries: [{ slot: -1 }] },
  { what: 'a slot twice', entries: [{ slot: 1 }, { slot: 1 }] },
  { what: 'more bytes than a slot has', entries: [{ slot: 1, bytes: 2 ** 30 }] },
  { what: '2^32 - 1 bytes', entries: [{ slot: 1, bytes: -1 }] },
  { what: 'more slots than there are', claims: SLOTS + 1 },
  { what: 'less than nothing', claims: -1 },
  { what: 'half of what can be counted', claims: 2 ** 31 },
]

export const framesEnds = room('frames', (law) => {
  for (const { what, entries = [], claims = entries.length } of nonsense)
    law(
      `a program that gives ${what} has its share failed with ERR_PENDSHARE_FRAMES_CORRUPT, and nothing else happens`,
      ['liveMemory', 'peer loopback'],
      async (context) => {
        const device = await context.open()
        const { pageSize } = device.info
        const used = framesLength(SLOTS, pageSize, pageSize)
        const region = Region.allocate(used + pageSize)
        region.memory.fill(SENTINEL)
        const wanted = { peer: 'loopback', frames: { count: SLOTS, bytes: pageSize } } as const
        const share = await context.within('share()', device.share(region, wanted))
        give(share, entries, claims)
        share.notify()
        const end = await context.within('the end as failed', share.ended)
        assert.equal(end.reason, 'failed', `it ended as ${end.reason}, not as failed`)
        assert.equal(end.error?.code, 'ERR_PENDSHARE_FRAMES_CORRUPT', end.error?.message)
        assertFilled(region.memory.subarray(used - SLOTS * pageSize, used), SENTINEL, 'a slot was touched')
        assertFilled(region.memory.subarray(used), SENTINEL, 'memory behind the slots was touched')
        assert.equal(device.stats().pinnedPages, 0)
      },
    )

  law(
    'a program that gives a slot of a capture twice has its share failed with ERR_PENDSHARE_FRAMES_CORRUPT',
    ['liveMemory', 'peer capture'],
    async (context) => {
      const device = await context.open()
      const share = await lendFrames(context, device, { peer: 'capture', count: SLOTS })
      const steps = share.frames.iterate()
      for (let held = 0; held < SLOTS; held++) await next(context, steps)
      give(share, [{ slot: 0 }, { slot: 0 }])
      share.notify()
      const end = await context.within('the end as failed', share.ended)
      assert.equal(end.reason, 'failed', `it ended as ${end.reason}, not as failed`)
      assert.equal(end.error?.code, 'ERR_PENDSHARE_FRAMES_CORRUPT', end.error?.message)
      assert.equal((await context.within('the iteration', steps.next())).done, true)
    },
  )

  for (const how of ['release', 'cancel', 'close'] as const)
    law(
      `frames that are held at an end by ${how}() stay readable, and what was published is handed out`,
      ['liveMemory', 'peer capture'],
      async (context) => {
        const device = await context.open()
        const share = await lendFrames(context, device, { peer: 'capture', count: SLOTS })
        const { frames } = share
        const steps = frames.iterate()
        const held = [await next(context, steps), await next(context, steps)]
        await context.until('all slots to be filled', () => header(share, TO_USER) === SLOTS)
        await context.within<unknown>(`${how}()`, how === 'close' ? device.close() : share[how]())
        await context.within('the end', share.ended)
        const before = header(share, TO_KERNEL)
        for (const [at, frame] of held.entries()) {
          assertCaptured(frame, at, device.info.pageSize)
          frame.release()
          await rejects(context, 'a stale frame', 'ERR_PENDSHARE_STALE_FRAME', () => frame.data)
        }
        let sequence = held.length
        for await (using frame of bounded(context, frames, steps))
          assertCaptured(frame, sequence++, device.info.pageSize)
        assert.equal(sequence, SLOTS)
        assert.equal(header(share, TO_KERNEL), before, 'a frame was given back to a share that has ended')
        await rejects(context, 'share.frames', 'ERR_PENDSHARE_ENDED', () => share.frames)
      },
    )

  law(
    'what a peer that ended by itself has left can be read until the region is lent again: then ERR_PENDSHARE_ENDED',
    ['liveMemory', 'peer capture'],
    async (context) => {
      const device = await context.open()
      const share = await lendFrames(context, device, {
        peer: 'capture',
        count: SLOTS,
        peerOptions: { count: 3 },
      })
      assert.equal((await context.within('the end by the peer', share.ended)).reason, 'peer-ended')
      const { frames } = share
      const steps = frames.iterate()
      const first = await next(context, steps)
      assertCaptured(first, 0, device.info.pageSize)
      assertCaptured(await next(context, steps), 1, device.info.pageSize)
      const again = await context.within('share() of the region', device.share(share.region))
      const ended = 'ERR_PENDSHARE_ENDED'
      await rejects(context, 'share.frames', ended, () => share.frames)
      await rejects(context, 'the data of a frame', ended, () => first.data)
      await rejects(context, 'a step', ended, () => steps.next())
      await rejects(context, 'frames.poll()', ended, () => frames.poll())
      const before = Buffer.from(share.memory)
      first.release()
      assert.equal(Buffer.compare(before, share.memory), 0, 'the memory of another share was written')
      await context.within('release()', again.release())
    },
  )

  law(
    'slots that a peer was filling stay untouched after the end',
    ['liveMemory', 'peer capture', 'peer fill'],
    async (context) => {
      const device = await context.open()
      for (let round = 0; round < FEW_ROUNDS; round++) {
        const share = await lendFrames(context, device, { peer: 'capture', count: SLOTS, pages: 2 })
        const steps = share.frames.iterate()
        for (let taken = 0; taken < round % 5; taken++) (await next(context, steps)).release()
        const ended = round % 2 === 0 ? share.release() : share.cancel()
        const { memory } = share
        await context.within('the end', ended)
        memory.fill(SENTINEL)
        if (round % 5 === 0) await stir(context, device)
        await new Promise<void>((resolve) => setImmediate(resolve))
        assertFilled(memory, SENTINEL, 'the memory was touched after its end')
      }
    },
  )

  law(
    'the same region is lent again for other frames, which begin anew',
    ['liveMemory', 'peer capture', 'peer loopback'],
    async (context) => {
      const device = await context.open()
      const bytes = device.info.pageSize
      const region = Region.allocate(framesLength(SLOTS, bytes, bytes))
      for (let round = 0; round < FEW_ROUNDS; round++) {
        const count = 1 + (round % SLOTS)
        const peer = round % 2 === 0 ? 'capture' : 'loopback'
        const share = await context.within(
          'share()',
          device.share(region, { peer, frames: { count, bytes } }),
        )
        const { frames } = share
        assert.deepEqual([frames.count, frames.bytes], [count, bytes])
        const steps = frames.iterate()
        if (peer === 'loopback') (await context.within('a slot', frames.acquire())).submit(8)
        const frame = await next(context, steps)
        assert.equal(frame.sequence, 0)
        await context.within('the end', share.release())
      }
    },
  )
})

/** Writes entries to the kernel as they are, and claims to have given so many. */
function give({ memory }: Share, entries: readonly Entry[], claims = entries.length): void {
  const { header, toKernel } = readLayout(memory)
  const position = Atomics.load(header, TO_KERNEL)
  for (const [at, { slot, bytes = 8 }] of entries.entries()) {
    const entry = ((position + at) * ENTRY_WORDS) % toKernel.length
    toKernel.fill(0, entry, entry + ENTRY_WORDS)
    toKernel[entry] = slot
    toKernel[entry + 1] = bytes
  }
  Atomics.store(header, TO_KERNEL, (position + claims) | 0)
}
