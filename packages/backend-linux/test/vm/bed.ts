/** What the tests on a real driver share: the driver seen from outside of the backend, and children to be ended. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { createOpen, type Device } from '@pendshare/core'
import { loadAddon } from '../../src/addon.ts'
import { linux, WAKEUPS, type Wakeup } from '../../src/index.ts'

/** Of libuv's pool, unless told otherwise. */
export const POOL_THREADS = 4

export const DEVICE_PATH = '/dev/pendshare'

/** The ways of waking up that a run is about: all, or the one that PENDSHARE_WAKEUP names. */
export const wakeups = WAKEUPS.filter((name) => name === (process.env.PENDSHARE_WAKEUP ?? name))

export function openDevice(wakeup: Wakeup): Promise<Device> {
  return createOpen({})({ backend: linux, wakeup })
}

/** Pages that the driver has pinned for anyone, told by a file of its own. */
export function pinnedPages(): number {
  const driver = loadAddon().addon.openDevice(DEVICE_PATH, false, false)
  try {
    return driver.info().totalPinnedPages
  } finally {
    driver.close()
  }
}

/** Threads of this process, those of libuv's pool included from the start. */
export async function threads(): Promise<number> {
  await readFile('/proc/self/stat') // the first use of the pool starts all of it
  return readdirSync('/proc/self/task').length
}

/** Fails unless the others end. The kernel lists a thread for a moment longer than it takes to join it. */
export async function threadsFallTo(count: number): Promise<void> {
  const patience = AbortSignal.timeout(10_000)
  while ((await threads()) > count && !patience.aborted) await setImmediate()
  assert.ok((await threads()) <= count, 'a thread was left')
}

/** Runs a program of this directory until its end. Its stderr is shown; what it says on stdout is returned. */
export async function runChild(program: string, argv: readonly string[], node = [process.execPath]) {
  const child = startChild(program, argv, node)
  const [code, signal] = (await once(child.process, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal, stdout: child.stdout() }
}

export function startChild(program: string, argv: readonly string[], node = [process.execPath]) {
  const path = new URL(program, import.meta.url).pathname
  const [executable = '', ...flags] = node
  const child = spawn(executable, [...flags, '--conditions=@pendshare/source', path, ...argv], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  return { process: child, stdout: () => stdout }
}
