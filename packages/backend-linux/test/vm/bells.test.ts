/** Rings that come by the page of bells: more shares than it has places, and places that go from share to share. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Device, Share } from '@pendshare/core'
import { openDevice, pinnedPages, wakeups } from './bed.ts'

/** As many as the page has places, and some. */
const SHARES = 300

function fill(device: Device, rounds?: number): Promise<Share> {
  const peerOptions = rounds === undefined ? {} : { rounds, periodNs: 20_000_000 }
  return device.share({ bytes: device.info.pageSize, peer: 'fill', peerOptions })
}

async function rung(share: Share, total: number): Promise<void> {
  while (share.doorbell.total < total) await share.doorbell.wait()
}

for (const wakeup of wakeups) {
  describe(`a device that is woken by ${wakeup}`, () => {
    it('rings more shares than there are bells, each as often as its peer did', async () => {
      await using device = await openDevice(wakeup)
      const shares = await Promise.all(Array.from({ length: SHARES }, (_, at) => fill(device, 1 + (at % 3))))
      const heard = shares.map(() => 0)
      for (const [at, share] of shares.entries())
        share.doorbell.listen((count) => {
          heard[at] = (heard[at] ?? 0) + count
        })
      const ends = await Promise.all(shares.map(({ ended }) => ended))
      assert.ok(ends.every(({ reason }) => reason === 'peer-ended'))
      assert.deepEqual(
        heard,
        shares.map((_, at) => 1 + (at % 3)),
      )
    })

    it('rings nobody for what the share before it left in its place', async () => {
      await using device = await openDevice(wakeup)
      for (let round = 0; round < 200; round++) {
        const share = await fill(device)
        if (round % 2 === 0) await rung(share, 1)
        // Rings that nobody will take: the share ends in the same turn of the event loop.
        for (let burst = 0; burst < round % 4; burst++) share.notify()
        await share.release()
        const next = await fill(device)
        await rung(next, 1)
        await new Promise(setImmediate)
        assert.equal(next.doorbell.total, 1, `round ${round}`)
        await next.cancel()
      }
    })

    it('keeps shares apart that take over places in any order', async () => {
      await using device = await openDevice(wakeup)
      const live: { share: Share; rings: number }[] = []
      for (let round = 0; round < 400; round++) {
        live.push({ share: await fill(device), rings: 1 })
        const one = live[(round * 7) % live.length]
        assert.ok(one)
        await rung(one.share, one.rings)
        one.share.notify()
        await rung(one.share, ++one.rings)
        if (live.length < 40) continue
        const [gone] = live.splice((round * 13) % live.length, 1)
        await gone?.share.release()
      }
      for (const { share, rings } of live) {
        await rung(share, rings)
        assert.equal(share.doorbell.total, rings)
      }
      await Promise.all(live.map(({ share }) => share.release()))
      assert.equal(device.stats().pinnedPages, 0)
    })
  })
}

it('nothing is pinned', () => {
  assert.equal(pinnedPages(), 0)
})
