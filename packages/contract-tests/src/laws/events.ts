/** Events come in order, batched, and never inside a call: the witness looks at each one while a device is busy. */
import assert from 'node:assert/strict'
import type { Share } from '@pendshare/core'
import { room } from '../law.ts'
import { peersOf } from '../subject.ts'
import { busyFill, FEW_ROUNDS, lend, MANY_ROUNDS, rung } from './steps.ts'

export const events = room('events', (law) => {
  law('calls of every kind among the events of many busy shares', ['peer fill'], async (context) => {
    const device = await context.open()
    const driver = context.witness(device)
    const live: Share[] = []
    for (let round = 0; round < MANY_ROUNDS; round++) {
      const periodic = round % 2 === 0
      const share = await lend(
        context,
        device,
        1,
        periodic ? busyFill(device, round % 3 === 0 ? 5 : 0, 1_000_000) : { peer: 'fill' },
      )
      live.push(share)
      if (!periodic && share.state === 'pended') share.notify()
      device.stats()
      if (live.length < 12) continue
      const [oldest] = live.splice(round % live.length, 1)
      await context.within('the end of a busy share', oldest?.release() ?? Promise.reject())
    }
    await context.within('close()', device.close())
    assert.equal(driver.live, 0)
  })

  law('the rings of a share come before its end, and none after', ['peer fill'], async (context) => {
    const device = await context.open()
    const driver = context.witness(device)
    for (let round = 1; round <= 30; round++) {
      const share = await lend(context, device, 1, busyFill(device, round))
      await context.within('the end by the peer', share.ended)
      assert.equal(driver.sightings.get(share.id)?.doorbells, round, 'rings were lost before the end')
    }
  })

  // Large enough that a backend pins it on another thread, by which the end may come back.
  law('the rings of a large share come before its end, and none after', ['peer fill'], async (context) => {
    const device = await context.open()
    const driver = context.witness(device)
    const pages = Math.ceil((2 << 20) / device.info.pageSize)
    for (let round = 1; round <= FEW_ROUNDS; round++) {
      const share = await lend(context, device, pages, { peer: 'fill', peerOptions: { rounds: 2 } })
      // A notification that comes before the first fill may coalesce with it.
      await rung(context, share, 1)
      share.notify()
      if (round % 2 === 0) await context.within('release()', share.release())
      else await context.within('the end by the peer', share.ended)
      const { reason, doorbells } = driver.sightings.get(share.id) ?? {}
      if (reason === 'peer-ended') assert.equal(doorbells, 2, 'rings were lost before the end')
    }
  })

  law('what the core passes on is what the backend has told', ['peer fill'], async (context) => {
    const device = await context.open()
    const share = await lend(context, device, 1, { peer: 'fill' })
    await rung(context, share, 1)
    const end = await context.within('release()', share.release())
    const sighting = context.witness(device).sightings.get(share.id)
    assert.deepEqual(
      [sighting?.state, sighting?.reason, sighting?.doorbells],
      ['ended', end.reason, share.doorbell.total],
    )
  })

  law('open() tells the device and what it supports', [], async (context) => {
    const device = await context.open()
    const { info, supports } = device
    assert.deepEqual(supports, context.subject.supports, 'device.supports is not what the subject declares')
    assert.equal(info.abi, 1)
    assert.match(info.version, /^\d+\.\d+\.\d+$/)
    assert.ok(
      info.pageSize >= 4096 && Number.isInteger(Math.log2(info.pageSize)),
      `a page of ${info.pageSize} bytes`,
    )
    for (const limit of ['maxBytes', 'maxShares', 'minPeriodNs'] as const)
      assert.ok(Number.isSafeInteger(info[limit]) && info[limit] > 0, `${limit} is ${info[limit]}`)
    for (const peer of peersOf(context.subject))
      assert.ok(info.peers.includes(peer), `no peer ${peer} in the driver`)
    assert.ok(device.choice.backend.length > 0 && device.choice.why.length > 0)
    context.witness(device)
  })
})
