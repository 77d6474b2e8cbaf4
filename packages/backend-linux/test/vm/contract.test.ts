/** The driver and its backend keep the contract, by each way of waking up. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, describe, it } from 'node:test'
import { runContract } from '@pendshare/contract-tests'
import { createOpen } from '@pendshare/core'
import { loadAddon } from '../../src/addon.ts'
import { linux, revoke } from '../../src/index.ts'
import { DEVICE_PATH, pinnedPages, wakeups } from './bed.ts'

const open = createOpen({})

if (process.env.BOMBARD_US !== undefined) {
  it('is bombarded with signals', () => {
    // What is preloaded ends a process in which it has no timer; that it was loaded shows in the handler of SIGALRM.
    const [, caught = '0'] = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    assert.equal((BigInt(`0x${caught}`) >> 13n) & 1n, 1n)
  })
}

function memlockPages(): number {
  const addon = loadAddon().addon
  const device = addon.openDevice(DEVICE_PATH, false, false)
  try {
    return addon.lockableBytes() / device.info().pageSize
  } finally {
    device.close()
  }
}

for (const wakeup of wakeups) {
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
    watchdogMs: Number(process.env.PENDSHARE_WATCHDOG_MS ?? 30_000),
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
