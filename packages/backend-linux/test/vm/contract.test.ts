/** The driver and its backend keep the contract, by each way of waking up. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, describe, it } from 'node:test'
import { runContract } from '@pendshare/contract-tests'
import { createOpen } from '@pendshare/core'
import { loadAddon } from '../../src/addon.ts'
import { linux, revoke, WAKEUPS } from '../../src/index.ts'
import { DEVICE_PATH, pinnedPages } from './bed.ts'

const open = createOpen({})

if (process.env.BOMBARD_US !== undefined) {
  it('signals come all the time', () => {
    assert.match(readFileSync('/proc/self/timers', 'utf8'), /^signal: 14\/[\s\S]*^notify: signal\//m)
  })
}

const only = process.env.PENDSHARE_WAKEUP

function memlockPages(): number {
  const addon = loadAddon()
  const device = addon.openDevice(DEVICE_PATH, false)
  try {
    return addon.memlockLimit() / device.info().pageSize
  } finally {
    device.close()
  }
}

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
      memlockPages: memlockPages(),
      addresses: true,
    },
  })
}
