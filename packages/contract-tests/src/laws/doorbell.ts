/** Rings and notifications: they may come together, and none is lost. */
import assert from 'node:assert/strict'
import { room } from '../law.ts'
import { busyFill, lend, MANY_ROUNDS, rejects, rung } from './steps.ts'

export const doorbell = room('doorbell', (law) => {
  law(
    'the rings of a peer add up, for those who wait, who iterate, and who only look',
    ['peer fill'],
    async (context) => {
      const device = await context.open()
      const share = await lend(context, device, 1, busyFill(device, MANY_ROUNDS))
      const iterated = async () => {
        let sum = 0
        for await (const count of share.doorbell) sum += count
        return sum
      }
      const waited = async () => {
        let sum = 0
        while (sum < MANY_ROUNDS) sum += await share.doorbell.wait()
        return sum
      }
      const sums = await context.within(
        `${MANY_ROUNDS} rings`,
        Promise.all([iterated(), waited(), iterated()]),
      )
      assert.deepEqual(sums, [MANY_ROUNDS, MANY_ROUNDS, MANY_ROUNDS], 'rings were lost or invented')
      await context.within('the end by the peer', share.ended)
      assert.equal(share.doorbell.total, MANY_ROUNDS, 'rings were lost or invented')
    },
  )

  law('rings of many shares are told apart', ['peer fill'], async (context) => {
    const device = await context.open()
    const rounds = Array.from({ length: 30 }, (_, at) => at + 1)
    const shares = await Promise.all(
      rounds.map((count) => lend(context, device, 1, busyFill(device, count, 1_000_000))),
    )
    await context.within('the ends by the peers', Promise.all(shares.map(({ ended }) => ended)))
    assert.deepEqual(
      shares.map((share) => share.doorbell.total),
      rounds,
      'rings were lost, or went to another share',
    )
  })

  law(
    'rings while the event loop is blocked come together, and all of them',
    ['peer fill'],
    async (context) => {
      const device = await context.open()
      const share = await lend(context, device, 1, busyFill(device, 20))
      // Nothing depends on how many periods fit in here: the sum is the same, whether they coalesce or not.
      const until = performance.now() + 5
      while (performance.now() < until);
      await context.within('the end by the peer', share.ended)
      assert.equal(share.doorbell.total, 20, 'rings were lost')
    },
  )

  law('every notification is answered by a ring that comes after it', ['peer fill'], async (context) => {
    const device = await context.open()
    const share = await lend(context, device, 1, { peer: 'fill' })
    await rung(context, share, 1)
    for (let round = 0; round < MANY_ROUNDS; round++) {
      const before = share.doorbell.total
      const burst = 1 + (round % 3)
      for (let at = 0; at < burst; at++) share.notify()
      await rung(context, share, before + 1)
    }
  })

  law('notifications of one share ring no other', ['peer fill'], async (context) => {
    const device = await context.open()
    const [rings, silent] = [
      await lend(context, device, 1, { peer: 'fill' }),
      await lend(context, device, 1, { peer: 'fill' }),
    ]
    await rung(context, rings, 1)
    await rung(context, silent, 1)
    for (let total = 2; total < 20; total++) {
      rings.notify()
      await rung(context, rings, total)
    }
    assert.equal(silent.doorbell.total, 1, 'rings went to another share')
  })

  law(
    'a wait is given up by its signal, and the next one still sees every ring',
    ['peer fill'],
    async (context) => {
      const device = await context.open()
      const share = await lend(context, device, 1, { peer: 'fill' })
      assert.equal(await context.within('the first ring', share.doorbell.wait()), 1)
      const reason = new Error('enough')
      const controller = new AbortController()
      const wait = share.doorbell.wait({ signal: controller.signal })
      controller.abort(reason)
      await assert.rejects(context.within('an aborted wait', wait), (error) => error === reason)
      share.notify()
      await rung(context, share, 2)
      assert.equal(share.state, 'pended', 'the signal of a wait has ended the share')
    },
  )

  law('rings before the end are told after it; then waiting is refused', ['peer fill'], async (context) => {
    const device = await context.open()
    const share = await lend(context, device, 1, busyFill(device, 3))
    await context.within('the end by the peer', share.ended)
    assert.equal(await context.within('a wait after the end', share.doorbell.wait()), 3, 'rings were lost')
    const error = await rejects(context, 'the next wait', 'ERR_PENDSHARE_ENDED', () => share.doorbell.wait())
    assert.match(error.message, /peer-ended/)
  })

  law('a share without a peer takes no notification: ERR_PENDSHARE_NOT_NOTIFIABLE', [], async (context) => {
    const device = await context.open()
    const share = await lend(context, device, 1)
    await rejects(context, 'notify() without a peer', 'ERR_PENDSHARE_NOT_NOTIFIABLE', () => share.notify())
    assert.equal((await context.within('release()', share.release())).reason, 'released')
  })
})
