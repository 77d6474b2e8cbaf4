/** The mock keeps the contract. */
import { mock } from '@pendshare/backend-mock'
import { runContract } from '@pendshare/contract-tests'
import { open } from '@pendshare/core'
import { afterAll, describe, it } from 'vitest'

const MEMLOCK_BYTES = 8 << 20
const driver = mock({ memlockBytes: MEMLOCK_BYTES })

runContract({
  name: 'mock',
  open: (watch) => open({ backend: watch(driver) }),
  supports: { memlock: true, deadline: true, removal: true, ownerExit: true, event: false, liveMemory: true },
  peers: ['fill'],
  hooks: {
    remove: () => driver.remove(),
    recall: (graceMs) => driver.recall(graceMs),
    pinnedPages: () => driver.stats.pinnedPages,
    memlockPages: MEMLOCK_BYTES / 4096,
  },
  watchdogMs: 5000,
  runner: { describe, it, after: afterAll },
})
