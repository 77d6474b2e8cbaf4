/** Rows `share+release`: lending memory and taking it back, in C beside io_uring, and from JavaScript beside C. */
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { performance } from 'node:perf_hooks' // the global one is a getter, and no part of a cycle
import { type Device, Region } from 'pendshare'
import { type Case, judge, type Limit, type Row } from '../rows.ts'

const SIZES = [4 << 10, 64 << 10, 1 << 20, 16 << 20, 64 << 20]
const HUGE_FROM = 16 << 20
const MEMORIES = SIZES.flatMap((bytes) =>
  (bytes < HUGE_FROM ? [false] : [false, true]).map((hugePages) => [bytes, hugePages] as const),
)
/** What JavaScript may take longer than C: up to a size in microseconds, above it in per cent. */
const SMALL = 1 << 20
const JS_OVERHEAD_US = 10
const JS_OVERHEAD_PERCENT = 5
/** Each figure from JavaScript is a mean over so many milliseconds, and so is its C. */
export const RUN_MS = 100
/** An emulated processor takes its time to optimize. */
const WARM_CYCLES = 20_000

interface InC {
  measure(memory: Uint8Array, ms: number): number
  /** Loses its content, and makes its memory anew of huge pages or of none. */
  renew(memory: Uint8Array, huge: boolean): void
}

/** Runs the native program, which takes turns between the contenders itself. */
export function pinInC(program: string, runs: number): Row[] {
  return MEMORIES.flatMap(([bytes, hugePages]) => {
    const text = execFileSync(program, [String(runs), String(bytes), hugePages ? '1' : '0'], {
      encoding: 'utf8',
    })
    const times = Object.entries(JSON.parse(text) as Record<string, number[]>)
    const run = () => Promise.resolve(Number.NaN) // measured already
    const [ours, ...peers] = times.map(([name]) => ({ name, run }))
    if (ours === undefined) throw new Error(`${program} printed no contender`)
    const it: Case = {
      row: 'share+release, C',
      parameters: { bytes, hugePages },
      unit: 'µs',
      contenders: [ours, ...peers],
      goals: peers.map(({ name }) => ({ peer: name, atMost: 1 })),
    }
    return judge(
      it,
      times.map(([, ns]) => ns.map((value) => value / 1000)),
    )
  })
}

/** What the cycle costs from JavaScript over what it costs in C on the same memory. `addon`: path of the latter. */
export async function pinInJavaScript(device: Device, addon: string, runs: number): Promise<Limit[]> {
  const inC = createRequire(import.meta.url)(addon) as InC
  await warmUp(device)
  const limits: Limit[] = []
  for (const [bytes, hugePages] of MEMORIES) {
    const region = Region.allocate(bytes)
    inC.renew(region.memory, hugePages)
    region.memory.fill(1)
    await cycle(device, region) // what is done the first time alone
    const pairs: [js: number, c: number][] = []
    for (let run = 0; run < runs; run++)
      pairs.push([await cycle(device, region), inC.measure(region.memory, RUN_MS)])
    const figures =
      bytes <= SMALL
        ? { unit: 'µs', values: pairs.map(([js, c]) => js - c), atMost: JS_OVERHEAD_US }
        : { unit: '%', values: pairs.map(([js, c]) => (100 * (js - c)) / c), atMost: JS_OVERHEAD_PERCENT }
    limits.push({ row: 'share+release, JavaScript over C', parameters: { bytes, hugePages }, ...figures })
  }
  return limits
}

export async function warmUp(device: Device): Promise<void> {
  const region = Region.allocate(4096)
  for (let i = 0; i < WARM_CYCLES; i++) await (await device.share(region)).release()
}

/** Microseconds a cycle. */
export async function cycle(device: Device, region: Region): Promise<number> {
  const start = performance.now()
  let cycles = 0
  do {
    await (await device.share(region)).release()
    cycles++
  } while (performance.now() - start < RUN_MS || cycles < 3)
  return ((performance.now() - start) / cycles) * 1000
}
