/** The mock as a backend: what the core sees of the driver in process, and the controls that a test has besides. */
import type { Backend, BackendDevice, EventSink } from '@pendshare/core'
import { MockDevice } from './device.ts'
import { Driver, type Limits } from './driver.ts'
import type { Fault } from './faults.ts'
import { OpenFiles } from './files.ts'
import { blast } from './peers/blast.ts'
import { capture } from './peers/capture.ts'
import { clock } from './peers/clock.ts'
import { echo } from './peers/echo.ts'
import { fill } from './peers/fill.ts'
import { loopback } from './peers/loopback.ts'
import type { MockPeer } from './peers/peer.ts'
import { LiveScheduler } from './scheduler/live.ts'
import type { Scheduler } from './scheduler/scheduler.ts'
import { ShuffledScheduler } from './scheduler/shuffled.ts'
import { type ScheduleControls, SteppedScheduler } from './scheduler/stepped.ts'

/**
 * `live`: the driver runs by itself, in real time. `stepped`: it runs as the test says, see ScheduleControls. A seed: it
 * runs by itself, in an order that the seed determines.
 */
export type Schedule = 'live' | 'stepped' | { readonly seed: number }

export interface MockOptions extends Partial<Limits> {
  /** Who decides when the driver's steps run. Default: `live`. */
  readonly schedule?: Schedule
  /** Peers of your own, besides the built-in ones. One with the name of a built-in one stands in for it. */
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
export type SteppedMock = Mock & ScheduleControls

const DEFAULTS: Limits = {
  pageSize: 4096,
  memlockBytes: 8 << 20,
  maxShares: 16_384,
  maxTicksPerSecond: 100_000,
}
const BUILT_IN = [fill, echo, clock, blast, capture, loopback]

/** A backend with a driver in process; each call makes a driver of its own. */
export function mock(options: MockOptions & { readonly schedule: 'stepped' }): SteppedMock
export function mock(options?: MockOptions): Mock
export function mock(options: MockOptions = {}): Mock {
  const { schedule = 'live', peers = [], ...limits } = options
  if (schedule === 'stepped') return new SteppedBackend(new SteppedScheduler(), limits, peers)
  const scheduler = schedule === 'live' ? new LiveScheduler() : new ShuffledScheduler(schedule.seed)
  return new MockBackend(scheduler, limits, peers)
}

class MockBackend implements Mock {
  readonly name = 'mock'
  readonly #files: OpenFiles

  constructor(scheduler: Scheduler, limits: Partial<Limits>, peers: readonly MockPeer[]) {
    this.#files = new OpenFiles(new Driver(scheduler, { ...DEFAULTS, ...limits }, [...BUILT_IN, ...peers]))
  }

  async probe(): Promise<{ usable: true; detail: string }> {
    return { usable: true, detail: 'a driver in this process, for tests' }
  }

  async open(_request: unknown, sink: EventSink): Promise<BackendDevice> {
    return new MockDevice(this.#files, sink)
  }

  get stats(): DriverStats {
    const { pages, quota } = this.#files.driver
    return { shares: quota.shares, pinnedPages: pages.pinned, chargedPages: pages.charged }
  }

  failNth(n: number): Fault {
    return this.#files.driver.faults.failNth(n)
  }

  remove(): void {
    this.#files.remove()
  }

  recall(graceMs: number): void {
    this.#files.recall(graceMs)
  }

  ownerExit(): void {
    this.#files.ownerExit()
  }
}

class SteppedBackend extends MockBackend implements SteppedMock {
  readonly #scheduler: SteppedScheduler

  constructor(scheduler: SteppedScheduler, limits: Partial<Limits>, peers: readonly MockPeer[]) {
    super(scheduler, limits, peers)
    this.#scheduler = scheduler
  }

  get ready(): readonly string[] {
    return this.#scheduler.ready
  }

  get time(): number {
    return this.#scheduler.time
  }

  step(): string | undefined {
    return this.#scheduler.step()
  }

  run(): string[] {
    return this.#scheduler.run()
  }

  runSeed(seed: number): string[] {
    return this.#scheduler.runSeed(seed)
  }

  advance(ms: number): void {
    this.#scheduler.advance(ms)
  }

  interleave(name: string, action: () => unknown, afterSteps?: number): void {
    this.#scheduler.interleave(name, action, afterSteps)
  }

  until<T>(promise: PromiseLike<T>, seed?: number): Promise<T> {
    return this.#scheduler.until(promise, seed)
  }
}
