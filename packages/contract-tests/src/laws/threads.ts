/** Law 7: shares wait in the driver, not in threads: a thousand of them cost this process none. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Share } from '@pendshare/core'
import type { Context } from '../context.ts'
import { room } from '../law.ts'
import { lend, rung } from './steps.ts'

const SHARES = 1000

export const threads = room('threads', (law) => {
  law(`${SHARES} shares on one device are live at once, ring, and end`, ['peer fill'], async (context) => {
    const device = await context.open()
    const shares = await lendMany(context, device)
    assert.equal(device.shares().length, SHARES)
    assert.ok(device.stats().pinnedPages >= SHARES)
    for (const share of shares) await rung(context, share, 1)
    for (const share of shares) share.notify()
    for (const share of shares) await rung(context, share, 2)
    const some = shares.slice(0, SHARES / 2)
    await context.within('500 releases at once', Promise.all(some.map((share) => share.release())))
    assert.equal(device.stats().shares, SHARES - some.length)
    await context.within('close() with 500 shares', device.close())
    assert.ok(shares.every(({ state }) => state === 'ended'))
  })

  law(`${SHARES} pended shares take no thread`, ['procfs', 'peer fill'], async (context) => {
    const device = await context.open()
    // What starts once whatever is shared: the pool behind promises of fs, and what a first share brings.
    await Promise.all(Array.from({ length: 8 }, () => readFile('/proc/self/stat')))
    await rung(context, await lend(context, device, 1, { peer: 'fill' }), 1)
    const before = countThreads()
    await lendMany(context, device)
    assert.ok(countThreads() <= before, `${SHARES} shares started ${countThreads() - before} threads`)
  })
})

async function lendMany(context: Context, device: Awaited<ReturnType<Context['open']>>): Promise<Share[]> {
  const shares: Share[] = []
  for (let at = 0; at < SHARES; at++) shares.push(await lend(context, device, 1, { peer: 'fill' }))
  return shares
}

function countThreads(): number {
  return readdirSync('/proc/self/task').length
}
