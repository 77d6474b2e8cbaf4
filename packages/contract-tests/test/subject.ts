/** The mock, changed in some way, as a subject of the suite. */
import { mock } from '@pendshare/backend-mock'
import type { Subject } from '@pendshare/contract-tests'
import { type Backend, open } from '@pendshare/core'

const MEMLOCK_BYTES = 16 << 20

/** Breaks are to be found soon: few rounds, and a watchdog that bites early. */
export function subjectOf(change: (good: Backend) => Backend): Subject {
  const driver = mock({ memlockBytes: MEMLOCK_BYTES })
  const backend = change(driver)
  return {
    name: 'the changed mock',
    open: (watch) => open({ backend: watch(backend) }),
    supports: {
      memlock: true,
      deadline: true,
      removal: true,
      ownerExit: true,
      event: false,
      liveMemory: true,
    },
    hooks: {
      remove: () => driver.remove(),
      recall: (graceMs) => driver.recall(graceMs),
      pinnedPages: () => driver.stats.pinnedPages,
      memlockPages: MEMLOCK_BYTES / 4096,
    },
    rounds: 20,
    runs: 10,
    watchdogMs: 400,
  }
}
