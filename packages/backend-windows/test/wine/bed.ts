/**
 * What the tests on a real driver share: memory that is live under Wine, the driver seen from outside, and children. On Windows
 * itself, where nothing lies beside this file, they are the same tests on the backend as it is.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { types } from 'node:util'
import { threadId } from 'node:worker_threads'
import {
  type Backend,
  type BackendDevice,
  createOpen,
  type Device,
  type EventSink,
  type OpenRequest,
  type ShareRequest,
} from '@pendshare/core'
import type { NativeDevice } from '@pendshare/native'
import { loadAddon } from '../../src/addon.ts'
import { windows } from '../../src/index.ts'

const DEVICE_PATH = '\\\\.\\pendshare'

/** testbed/windows-wine/live.c; the bed puts it beside this file. */
interface Live {
  /** Puts the memory of a whole buffer under a new section of this name; returns the section's handle. */
  putUnder(whole: Uint8Array, name: string): bigint
  closeSection(handle: bigint): void
}
const live: Live | undefined = existsSync(new URL('live.node', import.meta.url))
  ? createRequire(import.meta.url)('./live.node')
  : undefined

/** The sections that buffers lie under. Their handles are closed with them, which frees the names. */
const sections = new WeakMap<ArrayBufferLike, string>()
const collected = new FinalizationRegistry((section: bigint) => live?.closeSection(section))
let lastSection = 0

/**
 * The same backend, but shared buffers are put under sections first, and the label of a share says which: Wine hands
 * a driver copies of memory, so both have to meet there. All else goes through as it is.
 */
const underWine: Backend = {
  name: windows.name,
  probe: () => windows.probe(),
  open: async (request: OpenRequest, sink: EventSink) => overSections(await windows.open(request, sink)),
}

/** The one that is tested. */
export const backend: Backend = live ? underWine : windows

function overSections(device: BackendDevice): BackendDevice {
  return {
    info: device.info,
    supports: device.supports,
    share: (request) => device.share({ ...request, label: sectionLabel(request) }),
    end: (id, how) => device.end(id, how),
    notify: (id) => device.notify(id),
    stats: () => device.stats(),
    ref: () => device.ref(),
    unref: () => device.unref(),
    close: () => device.close(),
  }
}

function sectionLabel({ memory, label }: ShareRequest): string {
  const { buffer, byteOffset } = memory
  const whole = new Uint8Array(buffer, 0, buffer.byteLength)
  // What lies off a page is none of ours to move; the backend refuses it.
  if (!live || !types.isSharedArrayBuffer(buffer)) return label
  if (loadAddon().addon.addressOf(whole) % 4096n !== 0n) return label
  let name = sections.get(buffer)
  if (name === undefined) {
    name = `${process.pid}-${threadId}-${++lastSection}`
    collected.register(buffer, live.putUnder(whole, name))
    sections.set(buffer, name)
  }
  return `live:${name}+${byteOffset}`
}

/** The module of this directory with that name: built, as Wine's Node runs it, or from source. */
export function beside(name: string): URL {
  return new URL(`${name}${extname(import.meta.url)}`, import.meta.url)
}

export function openDevice(): Promise<Device> {
  return createOpen({})({ backend })
}

/** Pages that the driver has pinned for anyone. */
export function pinnedPages(): number {
  return onDriver((driver) => driver.info().totalPinnedPages)
}

/** Takes the memory of everyone back; `graceMs` 0 takes the device away too. */
export function revoke(graceMs: number): void {
  assert.equal(
    onDriver((driver) => driver.revoke(graceMs)),
    0,
  )
}

function onDriver<T>(ask: (driver: NativeDevice) => T): T {
  const driver = loadAddon().addon.openDevice(DEVICE_PATH, false, true)
  try {
    return ask(driver)
  } finally {
    driver.close()
  }
}

/** Lets the event loop turn until nothing is pinned any more: Windows closes a dead process's handles at its leisure. */
export async function nothingPinned(): Promise<void> {
  const end = performance.now() + 20_000
  while (pinnedPages() > 0) {
    assert.ok(performance.now() < end, `${pinnedPages()} pages stay pinned`)
    await new Promise(setImmediate)
  }
}

/** Runs a program of this directory until its end. Its stderr is shown; what it says on stdout is returned. */
export async function runChild(program: string, ...argv: string[]) {
  const child = spawn(process.execPath, [fileURLToPath(beside(program)), ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout }
}
