/** Rows `concurrent shares`: what 1 to 10,000 of them cost in time, kernel memory, process memory and threads, when all ring and when none does. */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Device, open, Region, type Share } from 'pendshare'
import type { Case, Contender, Limit } from '../rows.ts'

const COUNTS = [1, 10, 100, 1000, 10_000]
const BYTES = 4096
const KERNEL_BYTES = 512
const USER_BYTES = 1024
const RINGING = 1000
const IDLE = 10_000
const IDLE_MS = 2000
/** Of a second: what an idle Node.js takes by itself comes and goes. */
const IDLE_US = 500
/** Time a share at 10,000 against 1,000: more than this is a cost that grows with the number of shares. */
const GROWTH = 2
/** With fewer, opening and warming up still show. */
const BASE = 1000

interface Figures {
  readonly shareUs: number
  readonly endUs: number
  readonly kernelBytes: number
  readonly userBytes: number
  readonly threads: number
}

export async function manyShares(openDevice: () => Promise<Device>, runs: number): Promise<Limit[]> {
  const regions = Array.from({ length: COUNTS.at(-1) ?? 0 }, () => {
    const region = Region.allocate(BYTES)
    region.memory[0] = 1 // the page exists before anything is measured
    return region
  })
  // An emulated processor takes its time to optimize.
  for (let i = 0; i < 5; i++) await once(openDevice, regions.slice(0, 1000))
  const limits: Limit[] = []
  let base: Figures[] = []
  for (const count of COUNTS) {
    const figures: Figures[] = []
    for (let run = 0; run < runs; run++) figures.push(await once(openDevice, regions.slice(0, count)))
    if (count === BASE) base = figures
    const limit = (what: string, unit: string, of: (figure: Figures) => number, atMost?: number) =>
      limits.push({
        row: `concurrent shares: ${what}`,
        parameters: { shares: count },
        unit,
        values: figures.map(of),
        ...(atMost === undefined ? {} : { atMost }),
      })
    const timed = (what: string, of: (figure: Figures) => number) =>
      limit(what, 'µs', of, count > BASE ? GROWTH * median(base.map(of)) : undefined)
    timed('time to share one', ({ shareUs }) => shareUs)
    timed('time to end one', ({ endUs }) => endUs)
    limit('threads', 'threads', ({ threads }) => threads, 1)
    // Below so many, the slab's and the heap's own steps are larger than what is measured.
    if (count < BASE) continue
    limit('kernel memory of one', 'bytes', ({ kernelBytes }) => kernelBytes, KERNEL_BYTES)
    limit('process memory of one', 'bytes', ({ userBytes }) => userBytes, USER_BYTES)
  }
  return limits
}

/** A thousand peers are told to write and ring: from the first word to them until the last listener was called. */
export function manyRings(addon: string): Case {
  const floor = createRequire(import.meta.url)(addon) as Floor
  return {
    row: 'concurrent shares: all ring',
    parameters: { shares: RINGING },
    unit: 'µs a share',
    contenders: [ringing('pendshare', 'poll'), ringing('by a waiting thread', 'thread'), eventfds(floor)],
    goals: [{ peer: 'an eventfd each', atMost: 1 }],
  }
}

interface Floor {
  pollMany(count: number, readable: () => void): { ring(): void; close(): void }
}

/** What a program does whose devices have an eventfd each, which a thread writes one after the other. */
function eventfds(floor: Floor): Contender {
  return {
    name: 'an eventfd each',
    async run() {
      const { promise, resolve } = Promise.withResolvers<void>()
      let rung = 0
      const many = floor.pollMany(RINGING, () => {
        if (++rung === RINGING) resolve()
      })
      const start = performance.now()
      many.ring()
      await promise
      const us = ((performance.now() - start) / RINGING) * 1000
      many.close()
      return us
    },
  }
}

function ringing(name: string, wakeup: string): Contender {
  return {
    name,
    async run() {
      await using device = await open({ backend: 'linux', wakeup })
      const shares: Share[] = []
      for (let i = 0; i < RINGING; i++) shares.push(await device.share({ bytes: BYTES, peer: 'fill' }))
      let expected = RINGING // `fill` rings when it is attached, too
      let rung = 0
      let all = Promise.withResolvers<void>()
      for (const share of shares)
        share.doorbell.listen((rings) => {
          rung += rings
          if (rung === expected) all.resolve()
        })
      await all.promise
      all = Promise.withResolvers()
      expected += RINGING
      const start = performance.now()
      for (const share of shares) share.notify()
      await all.promise
      return ((performance.now() - start) / RINGING) * 1000
    },
  }
}

/** Processor time a second of a process that has many shares and does nothing, over that of one which has none. */
export async function idleShares(openDevice: () => Promise<Device>, runs: number): Promise<Limit> {
  await using device = await openDevice()
  const without: number[] = []
  for (let run = 0; run < runs; run++) without.push(await idleUs())
  for (let i = 0; i < IDLE; i++) await device.share({ bytes: BYTES, peer: 'fill' })
  for (let run = 0; run < 2; run++) await idleUs() // what their attaching rang and left to the garbage collector
  const values: number[] = []
  for (let run = 0; run < runs; run++) values.push((await idleUs()) - median(without))
  const row = 'concurrent shares: processor time of a second when idle'
  return { row, parameters: { shares: IDLE }, unit: 'µs', values, atMost: IDLE_US }
}

async function idleUs(): Promise<number> {
  const before = process.cpuUsage()
  await sleep(IDLE_MS)
  const { user, system } = process.cpuUsage(before)
  return ((user + system) / IDLE_MS) * 1000
}

async function once(openDevice: () => Promise<Device>, regions: readonly Region[]): Promise<Figures> {
  const threads = threadCount()
  const device = await openDevice()
  const kernel = kernelBytes()
  const user = userBytes()
  const shares: Share[] = []
  const begin = performance.now()
  for (const region of regions) shares.push(await device.share(region))
  const shared = performance.now()
  const figures = {
    kernelBytes: (kernelBytes() - kernel) / regions.length,
    userBytes: (userBytes() - user) / regions.length,
    threads: threadCount() - threads,
  }
  const closing = performance.now()
  await device.close()
  const us = (ms: number) => (ms / regions.length) * 1000
  return { ...figures, shareUs: us(shared - begin), endUs: us(performance.now() - closing) }
}

function threadCount(): number {
  return readdirSync('/proc/self/task').length
}

/** Slab, page tables not included: SHARE allocates from slabs only, as long as nothing is mapped. */
function kernelBytes(): number {
  return fieldKib('/proc/meminfo', 'Slab') * 1024
}

/** Of the JavaScript heap and beside it: what the heap holds without having grown shows only there. */
function userBytes(): number {
  globalThis.gc?.()
  const { heapTotal, heapUsed } = process.memoryUsage()
  return fieldKib('/proc/self/status', 'RssAnon') * 1024 - heapTotal + heapUsed
}

function fieldKib(path: string, field: string): number {
  return Number(
    new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(path, 'utf8'))?.[1] ?? Number.NaN,
  )
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
