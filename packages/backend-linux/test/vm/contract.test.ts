/** The driver and its backend keep the contract, by each way of waking up. */
import { after, describe, it } from 'node:test'
import { runContract } from '@pendshare/contract-tests'
import { createOpen } from '@pendshare/core'
import { loadAddon } from '../../src/addon.ts'
import { linux, revoke, WAKEUPS } from '../../src/index.ts'
import { pinnedPages } from './bed.ts'

const open = createOpen({})

const only = process.env.PENDSHARE_WAKEUP

for (const wakeup of WAKEUPS.filter((name) => only === undefined || name === only)) {
  runContract({
    name: `the Linux driver, woken by ${wakeup},`,
    runner: { describe, it, after },
    supports: {
      memlock: true,
      deadline: true,
      removal: true,
      ownerExit: true,
      event: true,
      liveMemory: true,
    },
    open: (watch) => open({ backend: watch(linux), wakeup }),
    fixture: new URL(`./fixture.ts?${wakeup}`, import.meta.url),
    rounds: Number(process.env.PENDSHARE_ROUNDS ?? 10_000),
    hooks: {
      remove: () => revoke(0),
      recall: (graceMs) => revoke(graceMs),
      pinnedPages,
      systemWide: true,
      memlockPages: loadAddon().memlockLimit() / 4096,
      addresses: true,
    },
  })
}
