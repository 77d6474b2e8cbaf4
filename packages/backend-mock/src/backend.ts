/** The mock as a backend: what the core sees of the driver in process, and the controls that a test has besides. */
import type { Backend, BackendDevice, EventSink } from '@pendshare/core'
import { MockDevice } from './device.ts'
import { Driver } from './driver.ts'
import type { Fault } from './faults.ts'
import { fill } from './peers/fill.ts'
import type { MockPeer } from './peers/peer.ts'
import { LiveScheduler } from './scheduler/live.ts'

export interface MockOptions {
  /** Locked memory that may be pinned, in bytes. Default: 8 MiB, which is Linux's own. */
  readonly memlockBytes?: number
  /** Live shares of all devices together. Default: 16384. */
  readonly maxShares?: number
  /** Ticks a second of the timers of all peers together. Default: 100000. */
  readonly maxTicksPerSecond?: number
  /** Peers of your own, besides the built-in ones. */
  readonly peers?: readonly MockPeer[]
}

/** What the whole driver holds now, over all devices. */
export interface DriverStats {
  readonly shares: number
  readonly pinnedPages: number
  /** Charged against `memlockBytes`. */
  readonly chargedPages: number
}

export interface MockControls {
  readonly stats: DriverStats
  /** Makes the nth internal step from now on fail, once: allocate, quota, charge, pin, map, attach. */
  failNth(n: number): Fault
  /** Takes the device away from everyone: shares end as `device-removed`, devices that are open now are dead. */
  remove(): void
  /** Asks all memory back: shares end as `recalled` after `graceMs`. Devices stay usable. */
  recall(graceMs: number): void
  /** What the driver does when the process dies: shares end as `owner-exited`, devices that are open now are dead. */
  ownerExit(): void
}

export type Mock = Backend & MockControls

const DEFAULTS = { memlockBytes: 8 << 20, maxShares: 16384, maxTicksPerSecond: 100_000 }
const BUILT_IN = [fill]

export function mock(options: MockOptions = {}): Mock {
  const scheduler = new LiveScheduler()
  const driver = new Driver(scheduler, { ...DEFAULTS, ...options }, [...BUILT_IN, ...(options.peers ?? [])])
  return new MockBackend(driver)
}

class MockBackend implements Mock {
  readonly name = 'mock'
  readonly #driver: Driver

  constructor(driver: Driver) {
    this.#driver = driver
  }

  async probe(): Promise<{ usable: true; detail: string }> {
    return { usable: true, detail: 'a driver in this process, for tests' }
  }

  async open(_request: unknown, sink: EventSink): Promise<BackendDevice> {
    return new MockDevice(this.#driver, sink)
  }

  get stats(): DriverStats {
    const { pages, quota } = this.#driver
    return { shares: quota.shares, pinnedPages: pages.pinned, chargedPages: pages.charged }
  }

  failNth(n: number): Fault {
    return this.#driver.faults.failNth(n)
  }

  remove(): void {
    this.#driver.remove()
  }

  recall(graceMs: number): void {
    this.#driver.recall(graceMs)
  }

  ownerExit(): void {
    this.#driver.ownerExit()
  }
}
