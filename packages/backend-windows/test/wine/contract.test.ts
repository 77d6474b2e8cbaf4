/** The driver and its backend keep the contract. */
import { after, describe, it } from 'node:test'
import { runContract } from '@pendshare/contract-tests'
import { createOpen } from '@pendshare/core'
import { backend, beside, pinnedPages, revoke } from './bed.ts'

const open = createOpen({})

runContract({
  name: 'the Windows driver',
  runner: { describe, it, after },
  supports: {
    memlock: false,
    deadline: true,
    removal: true,
    ownerExit: true,
    event: true,
    liveMemory: true,
  },
  open: (watch) => open({ backend: watch(backend) }),
  fixture: beside('./fixture'),
  hooks: {
    remove: () => revoke(0),
    recall: (graceMs) => revoke(graceMs),
    pinnedPages,
    systemWide: true,
    addresses: true,
  },
})
