/** The driver and its backend keep the contract. */
import { after, describe, it } from 'node:test'
import { runContract } from '@pendshare/contract-tests'
import { createOpen } from '@pendshare/core'
import { beside, pinnedPages, revoke, underWine } from './bed.ts'

const open = createOpen({})

runContract({
  name: 'the Windows driver under Wine',
  runner: { describe, it, after },
  supports: {
    memlock: false,
    deadline: true,
    removal: true,
    ownerExit: true,
    event: true,
    liveMemory: true,
  },
  open: (watch) => open({ backend: watch(underWine) }),
  fixture: beside('./fixture'),
  hooks: {
    remove: () => revoke(0),
    recall: (graceMs) => revoke(graceMs),
    pinnedPages,
    systemWide: true,
    addresses: true,
  },
})
