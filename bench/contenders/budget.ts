/**
 * Rows `budget`: where each microsecond of a cycle, and of the way from a ring to JavaScript, goes. Each step is what a way with it takes
 * longer than one without it, in the same round: it can come out a little below nothing.
 */
import { createRequire } from 'node:module'
import { performance } from 'node:perf_hooks'
import { type AddonOrigin, type Batch, type Device, Region, RingReader } from 'pendshare'
import type { Limit } from '../rows.ts'
import { doorbell, Latencies, PERIOD_NS, RINGS } from './doorbell.ts'
import { promises } from './mock.ts'
import { cycle, RUN_MS, warmUp } from './pin.ts'

const ACCESS_BOTH = 3
const PATH = '/dev/pendshare'

interface InC {
  measure(memory: Uint8Array, ms: number): number
  /** Lends the memory to `clock`, and waits in poll() for so many of its rings: the median from the time stamp to the record, in µs. */
  rings(memory: Uint8Array, periodNs: number, count: number): number
}

/** As the backend has it: bench and backend are of one workspace. */
interface Native {
  start(slots: Float64Array, wake: () => void): boolean
  share(...request: unknown[]): number
  release(id: number, wait: boolean): number
  hold(alive: boolean): void
  close(): void
}

interface Addon {
  readonly eventFields: number
  readonly batch: number
  openDevice(path: string, poll: boolean, administrator: boolean): Native
}

/** `own`: path of the addon that does it in C. */
export async function budgets(device: Device, own: string, runs: number): Promise<Limit[]> {
  const inC = createRequire(import.meta.url)(own) as InC
  const addon = load(device.choice.addon)
  const cycles: number[][] = []
  const rings: number[][] = []
  const region = Region.allocate(64 << 10)
  const page = Region.allocate(4096)
  page.memory.fill(1)
  await warmUp(device)
  for (let run = 0; run <= runs; run++) {
    cycles.push(await cycleSteps(device, inC, addon, page))
    rings.push(await ringSteps(inC, addon, region))
  }
  return [
    ...rowsOf('share+release', ['system calls', 'Node-API', 'promises', 'our JavaScript'], cycles.slice(1)),
    ...rowsOf(
      'doorbell',
      ['kernel and poll()', 'event loop and Node-API', 'our JavaScript', 'promises'],
      rings.slice(1),
    ),
  ]
}

function rowsOf(what: string, steps: readonly string[], runs: readonly number[][]): Limit[] {
  return steps.map((step, at) => ({
    row: `budget: ${what}`,
    parameters: { step },
    unit: 'µs',
    values: runs.map((run) => run[at] ?? Number.NaN),
  }))
}

async function cycleSteps(device: Device, inC: InC, addon: Addon, region: Region): Promise<number[]> {
  const calls = inC.measure(region.memory, RUN_MS)
  const throughNode = callsFromJavaScript(addon, region.memory)
  const bare = await perCycle(promises)
  const all = await cycle(device, region)
  return [calls, throughNode - calls, bare, all - throughNode - bare]
}

/** The two requests by the backend's addon, without anything around them. */
function callsFromJavaScript(addon: Addon, memory: Uint8Array): number {
  const native = addon.openDevice(PATH, true, false)
  native.start(new Float64Array(addon.eventFields * addon.batch), () => {})
  const start = performance.now()
  let id = 0
  while (performance.now() - start < RUN_MS)
    for (let i = 0; i < 100; i++) {
      native.share(++id, memory, ACCESS_BOTH)
      native.release(id, true)
    }
  const us = ((performance.now() - start) / id) * 1000
  native.close()
  return us
}

async function perCycle(step: () => Promise<void>): Promise<number> {
  const start = performance.now()
  let steps = 0
  for (; performance.now() - start < RUN_MS; steps++) await step()
  return ((performance.now() - start) / steps) * 1000
}

async function ringSteps(inC: InC, addon: Addon, region: Region): Promise<number[]> {
  const inPoll = inC.rings(region.memory, PERIOD_NS, RINGS)
  const inCallback = await callbacks(addon, region.memory)
  const inListener = await doorbell('poll', 'listener').run()
  const inPromise = await doorbell('poll', 'promise').run()
  return [inPoll, inCallback - inPoll, inListener - inCallback, inPromise - inListener]
}

/** Rings as they come out of the addon, in the function that it calls. */
async function callbacks(addon: Addon, memory: Uint8Array): Promise<number> {
  const native = addon.openDevice(PATH, true, false)
  let now = 0
  let wake = () => {}
  native.start(new Float64Array(addon.eventFields * addon.batch), () => {
    now = Number(process.hrtime.bigint())
    wake()
  })
  native.hold(true)
  const options = new Uint8Array(new BigUint64Array([BigInt(PERIOD_NS)]).buffer)
  native.share(1, memory, ACCESS_BOTH, '', 0, 'clock', options, undefined, 0, 0, new Uint8Array(0))
  const reader = new RingReader(memory, {
    ended: false,
    listen: (callback) => {
      wake = callback
      return () => {}
    },
  })
  const all = new Latencies(memory)
  const listening = reader.listen((batch: Batch) => all.note(batch, now) && listening[Symbol.dispose]())
  await listening.done
  native.hold(false)
  native.close()
  return all.medianUs()
}

function load(origin: AddonOrigin | undefined): Addon {
  if (origin === undefined) throw new Error('this device has no addon')
  return createRequire(import.meta.url)(origin.path) as Addon
}
