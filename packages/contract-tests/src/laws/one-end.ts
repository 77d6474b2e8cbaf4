/** Law 2: an accepted share ends once, for one reason, and everyone who asks gets the same End. */
import assert from 'node:assert/strict'
import type { End } from '@pendshare/core'
import { room } from '../law.ts'
import { lend, rejects, rung } from './steps.ts'
import { stage, ways } from './ways.ts'

export const oneEnd = room('oneEnd', (law) => {
  for (const way of ways)
    law(
      `ended by ${way.name} it is ${way.reason}, for everyone and for good`,
      ['peer fill', ...way.needs],
      async (context) => {
        const scene = await stage(context, await context.open(), [way])
        const { share, device } = scene
        const brought = way.begin(scene)
        const end = await context.within(`the end by ${way.name}`, share.ended)
        await context.within(way.name, Promise.resolve(brought))
        assert.equal(end.reason, way.reason)
        assert.ok(Number.isInteger(end.bytes) && end.bytes >= 0 && end.bytes <= share.memory.byteLength)
        assert.ok(end.heldForMs > 0)
        assert.ok(Object.isFrozen(end))
        assert.equal(end.error, undefined)
        const answers = [share.release(), share.cancel(new Error('too late')), share.ended, share.release()]
        for (const answer of await context.within('asking again', Promise.all(answers)))
          assert.equal(answer, end)
        assert.deepEqual([share.state, device.shares(), share.region.lent], ['ended', [], false])
        const error = await rejects(context, 'notify() after the end', 'ERR_PENDSHARE_ENDED', () =>
          share.notify(),
        )
        assert.match(error.message, new RegExp(way.reason))
      },
    )

  law(
    'what cancel() was given, or the signal’s reason, is the cause of a cancelled End',
    [],
    async (context) => {
      const device = await context.open()
      const cause = new Error('no longer wanted')
      const controller = new AbortController()
      const [one, other] = [
        await lend(context, device, 1),
        await lend(context, device, 1, { signal: controller.signal }),
      ]
      controller.abort(cause)
      const ends: End[] = await context.within('cancel()', Promise.all([one.cancel(cause), other.ended]))
      for (const end of ends) assert.deepEqual([end.reason, end.cause], ['cancelled', cause])
    },
  )

  law('one signal ends all of its shares, and no others', [], async (context) => {
    const device = await context.open()
    const controller = new AbortController()
    const bound = await Promise.all(
      Array.from({ length: 20 }, () => lend(context, device, 1, { signal: controller.signal })),
    )
    const free = await lend(context, device, 1)
    controller.abort()
    for (const { reason } of await context.within('the ends', Promise.all(bound.map(({ ended }) => ended))))
      assert.equal(reason, 'cancelled')
    assert.deepEqual(device.shares(), [free])
    assert.equal(free.state, 'pended')
  })

  law('the backend ends a share for the first caller, and says so', [], async (context) => {
    const device = await context.open()
    const driver = context.witness(device)
    for (const [first, second, reason] of [
      ['release', 'cancel', 'released'],
      ['cancel', 'release', 'cancelled'],
    ] as const) {
      const share = await lend(context, device, 1)
      assert.equal(driver.end(share.id, first), true, `${first} of a live share`)
      assert.equal(driver.end(share.id, second), false, `${second} of a share that is ending`)
      assert.equal((await context.within('the end', share.ended)).reason, reason)
      for (const how of [first, second])
        assert.equal(driver.end(share.id, how), false, `${how} of a share that has ended`)
    }
    assert.equal(driver.end(Number.MAX_SAFE_INTEGER, 'release'), false, 'release of a share that never was')
  })

  law('a backend that is notified of a share that has ended does nothing', ['peer fill'], async (context) => {
    const device = await context.open()
    const driver = context.witness(device)
    const share = await lend(context, device, 1, { peer: 'fill' })
    assert.equal(driver.end(share.id, 'release'), true)
    driver.notify(share.id)
    await context.within('the end', share.ended)
    driver.notify(share.id)
    driver.notify(Number.MAX_SAFE_INTEGER)
  })

  law('a peer ends its share after as many rounds as it was told', ['peer fill'], async (context) => {
    const device = await context.open()
    const share = await lend(context, device, 2, { peer: 'fill', peerOptions: { rounds: 1, first: 3 } })
    const end = await context.within('the end by the peer', share.ended)
    assert.deepEqual([end.reason, end.bytes], ['peer-ended', share.memory.byteLength])
    assert.equal(share.doorbell.total, 1)
  })

  law('a share without a deadline outlives one with a deadline', ['deadline'], async (context) => {
    const device = await context.open()
    const endless = await lend(context, device, 1)
    const share = await lend(context, device, 1, { deadlineMs: 20 })
    const end = await context.within('the end by a deadline of 20 ms', share.ended)
    assert.equal(end.reason, 'deadline')
    assert.ok(end.heldForMs >= 20, `a deadline of 20 ms came after ${end.heldForMs} ms`)
    assert.equal(endless.state, 'pended')
  })

  law(
    'a recall is told, with the grace; released in time, the share is released',
    ['recall'],
    async (context) => {
      const device = await context.open()
      const [obliging, stubborn] = [await lend(context, device, 1), await lend(context, device, 1)]
      const told = new Promise<unknown>((resolve) => {
        obliging.recalled.addEventListener('abort', () => resolve(obliging.recalled.reason))
      })
      await context.subject.hooks?.recall?.(200)
      assert.deepEqual(await context.within('the recall', told), { graceMs: 200 })
      assert.equal((await context.within('release()', obliging.release())).reason, 'released')
      assert.equal((await context.within('the end by the recall', stubborn.ended)).reason, 'recalled')
      assert.equal(stubborn.recalled.aborted, true)
      const after = await lend(context, device, 1)
      assert.equal(after.recalled.aborted, false)
    },
  )

  law('a removed device says so, and has nothing left to give', ['remove', 'peer fill'], async (context) => {
    const device = await context.open()
    const shares = [await lend(context, device, 1), await lend(context, device, 1, { peer: 'fill' })]
    await context.subject.hooks?.remove?.()
    for (const { reason } of await context.within(
      'the ends by removal',
      Promise.all(shares.map(({ ended }) => ended)),
    ))
      assert.equal(reason, 'device-removed')
    await context.until('the state removed', () => device.state === 'removed')
    await rejects(context, 'share() on a removed device', 'ERR_PENDSHARE_REMOVED', () =>
      device.share({ bytes: device.info.pageSize }),
    )
    assert.deepEqual([device.stats().shares, device.stats().pinnedPages], [0, 0])
    await context.within('close()', device.close())
    const next = await context.open()
    await context.within('release()', (await lend(context, next, 1)).release())
  })

  law(
    'an owner who writes nonsense into a ring ends its share as failed, and harms nobody else',
    ['liveMemory', 'peer echo'],
    async (context) => {
      const device = await context.open()
      const bystander = await lend(context, device, 4, { peer: 'echo' })
      const share = await lend(context, device, 4, { peer: 'echo' })
      // The producer position of the inbound ring, which is the second half of the share.
      Atomics.store(
        new Int32Array(share.memory.buffer, share.memory.byteOffset + share.memory.byteLength / 2 + 64, 1),
        0,
        0x7ffffff1,
      )
      share.notify()
      const end = await context.within('the end by a corrupt ring', share.ended)
      assert.deepEqual([end.reason, end.error?.code], ['failed', 'ERR_PENDSHARE_RING_CORRUPT'])
      assert.equal(bystander.state, 'pended')
    },
  )

  law('an end that nobody awaits makes no noise', [], async (context) => {
    const device = await context.open()
    const share = await lend(context, device, 1)
    void share.release()
    await context.until('the end', () => share.state === 'ended')
    await rung(context, share, 0)
  })
})
