/** Row `mock`: what a cycle of share and release costs without any driver, beside a chain of promises of that length. */
import { mock } from '@pendshare/backend-mock'
import { type Device, open, Region } from 'pendshare'
import type { Case } from '../rows.ts'

const CYCLES = 20_000
/** Turns of the microtask queue and of the event loop that one cycle takes at least: share, release, the end's delivery. */
const AWAITS = 3

export async function mockCase(): Promise<[Case, Device]> {
  const device = await open({ backend: mock() })
  const region = Region.allocate(4096)
  const it: Case = {
    row: 'share+release on the mock',
    parameters: { bytes: region.bytes },
    unit: 'µs',
    contenders: [
      {
        name: 'pendshare',
        run: () => timed(async () => void (await (await device.share(region)).release())),
      },
      { name: 'bare promises', run: () => timed(promises) },
    ],
    goals: [{ peer: 'bare promises', atMost: 5 }],
  }
  return [it, device]
}

export async function promises(): Promise<void> {
  for (let i = 0; i < AWAITS; i++) await new Promise<void>((resolve) => resolve())
}

/** Microseconds a cycle. */
async function timed(cycle: () => Promise<void>): Promise<number> {
  const start = performance.now()
  for (let i = 0; i < CYCLES; i++) await cycle()
  return ((performance.now() - start) / CYCLES) * 1000
}
