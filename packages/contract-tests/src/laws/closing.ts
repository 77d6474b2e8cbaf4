/** Law 5: close() resolves after every share has ended, and never hangs. */
import assert from 'node:assert/strict'
import { type Device, PendshareError, type Share } from '@pendshare/core'
import { room } from '../law.ts'
import { busyFill, FEW_ROUNDS, lend, rejects } from './steps.ts'

export const closing = room('closing', (law) => {
  for (const count of [0, 1, 100])
    law(
      `close() with ${count} live shares resolves after all have ended as closed`,
      ['peer fill'],
      async (context) => {
        const device = await context.open()
        const shares: Share[] = []
        for (let at = 0; at < count; at++)
          shares.push(await lend(context, device, 1, at % 2 ? { peer: 'fill' } : {}))
        const closed = device.close()
        assert.equal(device.state, 'closing')
        await context.within('close()', closed)
        assert.equal(device.state, 'closed')
        for (const { state, region } of shares) assert.deepEqual([state, region.lent], ['ended', false])
        for (const { reason } of await Promise.all(shares.map(({ ended }) => ended)))
          assert.equal(reason, 'closed')
        assert.equal(context.witness(device).live, 0)
      },
    )

  law('close() while peers write and doorbells are awaited ends both', ['peer fill'], async (context) => {
    const device = await context.open()
    const shares = [await lend(context, device, 16, busyFill(device)), await lend(context, device, 16)]
    const waiting = shares.map(async (share) => {
      for (;;) await share.doorbell.wait()
    })
    const iterating = shares.map(async (share) => {
      for await (const count of share.doorbell) assert.ok(count > 0)
    })
    // They are refused while close() still takes turns of the event loop; nobody else listens until then.
    const settled = Promise.allSettled(waiting)
    await context.within('the first ring', shares[0]?.doorbell.wait() ?? Promise.reject())
    await context.within('close()', device.close())
    await context.within('the waits', settled)
    for (const wait of waiting)
      await rejects(context, 'a wait for a doorbell', 'ERR_PENDSHARE_ENDED', () => wait)
    await context.within('the iterations', Promise.all(iterating))
  })

  law('close() in the tick of share() settles both: accepted and closed, or refused', [], async (context) => {
    for (let round = 0; round < FEW_ROUNDS; round++) {
      const device = await context.open()
      const attempts = [1, 600, 1].map((pages) => device.share({ bytes: pages * device.info.pageSize }))
      // Whoever is refused is so before close() has resolved; nobody else listens until then.
      const settled = Promise.allSettled(attempts)
      if (round % 2 === 1) await Promise.resolve()
      await context.within('close()', device.close())
      for (const outcome of await context.within('share()', settled)) await closedOrRefused(outcome)
      assert.deepEqual(device.shares(), [])
    }
  })

  law('close() again, before and after, gives the same answer', [], async (context) => {
    const device = await context.open()
    await lend(context, device, 1)
    await context.within(
      'close() three times',
      Promise.all([device.close(), device.close(), device[Symbol.asyncDispose]()]),
    )
    await context.within('close() of a closed device', device.close())
  })

  law('a share that is ending when the device closes keeps its reason', [], async (context) => {
    const device = await context.open()
    const [released, cancelled] = [await lend(context, device, 64), await lend(context, device, 64)]
    const ends = Promise.all([released.release(), cancelled.cancel()])
    await context.within('close()', device.close())
    assert.deepEqual(
      (await context.within('the ends', ends)).map(({ reason }) => reason),
      ['released', 'cancelled'],
    )
  })

  law(
    'many devices are open at once, and closing one leaves the others alone',
    ['peer fill'],
    async (context) => {
      const devices: Device[] = []
      for (let at = 0; at < 32; at++) devices.push(await context.open())
      const shares = await Promise.all(devices.map((device) => lend(context, device, 1, { peer: 'fill' })))
      for (const [at, device] of devices.entries()) {
        if (at % 2 === 0) continue
        await context.within('close()', device.close())
      }
      for (const [at, share] of shares.entries()) {
        assert.equal(share.state, at % 2 === 0 ? 'pended' : 'ended')
        if (at % 2 === 0) share.notify()
      }
      const open = devices.filter((_, at) => at % 2 === 0)
      await context.within('close() of the rest at once', Promise.all(open.map((device) => device.close())))
    },
  )

  law(
    'devices are opened and closed over and over, also in the tick in which they open',
    [],
    async (context) => {
      for (let round = 0; round < FEW_ROUNDS; round++) {
        const opened = await Promise.all([context.open(), context.open()])
        await context.within('close()', Promise.all(opened.map((device) => device.close())))
      }
    },
  )
})

async function closedOrRefused(outcome: PromiseSettledResult<Share>): Promise<void> {
  if (outcome.status === 'fulfilled') assert.equal((await outcome.value.ended).reason, 'closed')
  else {
    assert.ok(outcome.reason instanceof PendshareError, String(outcome.reason))
    assert.equal(outcome.reason.code, 'ERR_PENDSHARE_CLOSED')
  }
}
