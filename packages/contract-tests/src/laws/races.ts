/** Law 2 under fire: any two ways to end, begun in one tick in both orders, have one winner, and all get its End. */
import assert from 'node:assert/strict'
import { type Device, Region } from '@pendshare/core'
import type { Context } from '../context.ts'
import { room } from '../law.ts'
import { FEW_ROUNDS } from './steps.ts'
import { DEADLINE_MS, type Scene, stage, type Way, ways } from './ways.ts'

const ROUNDS = 1000

export const races = room('oneEnd', (law) => {
  for (const [index, one] of ways.entries())
    for (const other of ways.slice(index + 1))
      law(
        `${one.name} and ${other.name} race: one wins, and all get the same End`,
        ['peer fill', ...one.needs, ...other.needs],
        (context) => race(context, one, other),
      )

  law('release and cancel race over and over, for memory that is only pinned', [], async (context) => {
    const device = await context.open()
    const region = Region.allocate(device.info.pageSize)
    const { rounds = ROUNDS } = context.subject
    for (let round = 0; round < rounds; round++) {
      const share = await context.within('share()', device.share(region))
      const [first, reason] = round % 2 === 0 ? [share.release(), 'released'] : [share.cancel(), 'cancelled']
      const second = round % 2 === 0 ? share.cancel() : share.release()
      const ends = await context.within('release and cancel', Promise.all([first, second, share.ended]))
      for (const end of ends) assert.equal(end, ends[0], 'the racers got different Ends')
      assert.equal(ends[0].reason, reason)
    }
    assert.equal(device.stats().pinnedPages, 0)
  })

  law(
    'release, cancel, abort, disposal and close race: the first one wins',
    ['peer fill'],
    async (context) => {
      const called = ways.filter((way) => way.called)
      for (let round = 0; round < FEW_ROUNDS; round++) {
        const device = await context.open()
        const turn = round % called.length
        await raceOnce(await stage(context, device, called), [
          ...called.slice(turn),
          ...called.slice(0, turn),
        ])
        await context.within('close()', device.close())
      }
    },
  )
})

async function race(context: Context, one: Way, other: Way): Promise<void> {
  let device: Device | undefined
  for (let round = 0; round < FEW_ROUNDS; round++) {
    device ??= await context.open()
    const scene = await stage(context, device, [one, other])
    if (one.reason === 'deadline' || other.reason === 'deadline') await nearDeadline(scene, round)
    await raceOnce(scene, round % 2 === 0 ? [one, other] : [other, one])
    if (one.spends || other.spends) {
      await context.within('close() after the race', device.close())
      device = undefined
    }
  }
}

/** Begins all ways in this tick, and checks who won. */
async function raceOnce(
  { context, device, share, ...rest }: Scene,
  contenders: readonly Way[],
): Promise<void> {
  const begun = contenders.map((way) => way.begin({ context, device, share, ...rest }))
  const names = contenders.map(({ name }) => name).join(' and ')
  const end = await context.within(`the end that ${names} race for`, share.ended)
  for (const answer of await context.within(names, Promise.all(begun)))
    if (answer !== undefined) assert.equal(answer, end, 'the racers got different Ends')
  assert.equal(share.state, 'ended')
  assert.ok(!device.shares().includes(share), 'the share is still listed')
  const reasons = contenders.map(({ reason }) => reason)
  assert.ok(reasons.includes(end.reason), `${names} raced, and the share ended as ${end.reason}`)
  if (contenders.every(({ called }) => called))
    assert.equal(end.reason, reasons[0], `${names} were called in this order`)
  if (end.reason !== 'cancelled')
    assert.equal(end.cause, undefined, 'an End that was not cancelled has a cause')
}

/** Turns the event loop until the deadline is due, a little earlier or later each round. */
async function nearDeadline({ context, share, since }: Scene, round: number): Promise<void> {
  const due = since + DEADLINE_MS + ((round % 9) - 6) / 4
  await context.until('a deadline', () => performance.now() >= due || share.state === 'ended')
}
