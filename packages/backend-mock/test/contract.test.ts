/** The mock keeps the contract: by itself, and in orders that seeds determine. */

import { runContract } from '@pendshare/contract-tests'
import { open } from '@pendshare/core'
import { afterAll, describe, it } from 'vitest'
import { mock, type Schedule } from '../src/index.ts'

const runner = { describe, it, after: afterAll }
const SUPPORTS = {
  memlock: true,
  deadline: true,
  removal: true,
  ownerExit: true,
  event: false,
  liveMemory: true,
} as const
const MEMLOCK_PAGES = 64 * 1024

function prove(
  name: string,
  schedule: Schedule,
  effort: { rounds?: number; runs?: number },
  pageSize = 4096,
): void {
  const driver = mock({ schedule, pageSize, memlockBytes: MEMLOCK_PAGES * pageSize })
  runContract({
    name,
    runner,
    supports: SUPPORTS,
    open: (watch) => open({ backend: watch(driver) }),
    ...(schedule === 'live' && { fixture: new URL(`./fixture.ts?page=${pageSize}`, import.meta.url) }),
    hooks: {
      remove: () => driver.remove(),
      recall: (graceMs) => driver.recall(graceMs),
      pinnedPages: () => driver.stats.pinnedPages,
      memlockPages: MEMLOCK_PAGES,
    },
    ...effort,
  })
}

prove('the mock', 'live', {})
for (const seed of [1, 2]) prove(`the mock by seed ${seed}`, { seed }, { rounds: 40, runs: 20 })
// The same steps over 4 and 16 times the bytes: fewer of them show what depends on the size.
for (const pageSize of [16384, 65536])
  prove(`the mock with pages of ${pageSize / 1024} KiB`, { seed: 3 }, { rounds: 4, runs: 4 }, pageSize)
