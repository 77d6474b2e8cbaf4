/**
 * Runs nothing by itself: each step of the driver is one that the test asks for, in its order or in one that a seed
 * determines, and time passes only when the test says so.
 */
import { setImmediate } from 'node:timers/promises'
import { seeded } from './random.ts'
import { OneStep, type Scheduler, type Task, type Timer } from './scheduler.ts'

const NS_PER_MS = 1e6

/** More steps than that in one run are an endless loop between a peer and its program. */
const MAX_STEPS = 1_000_000

/** Turns of the event loop without a step after which a promise is taken to hang. */
const IDLE_TURNS = 20

export interface ScheduleControls {
  /** What can run now, oldest first: `unpin 7`, `deliver`, `step 7`. Timers are not among it. */
  readonly ready: readonly string[]
  /** Milliseconds since the driver was made. */
  readonly time: number
  /** Runs the oldest step and returns its name; `undefined` when there is none. */
  step(): string | undefined
  /** Runs all steps, oldest first, and those they lead to. Returns their names. */
  run(): string[]
  /** As `run()`, but in an order that the seed determines. */
  runSeed(seed: number): string[]
  /**
   * Lets time pass while the next steps run: timers come due in their order, each once nothing else is ready; by a
   * seed also sooner.
   */
  advance(ms: number): void
  /** Adds a step of the test's own to those that are ready: `interleave('release', () => share.release())`. */
  interleave(name: string, action: () => unknown): void
  /** Runs steps, by the seed if there is one, until the promise has settled. Rejects as it does, and when it hangs. */
  until<T>(promise: PromiseLike<T>, seed?: number): Promise<T>
}

interface VirtualTimer extends Timer {
  readonly due: number
  readonly task: Task
}

export class SteppedScheduler implements Scheduler, ScheduleControls {
  readonly inline = false
  readonly #tasks: Task[] = []
  /** By rising due time; of equal ones, the older first. */
  readonly #timers: VirtualTimer[] = []
  #now = 0
  /** As far as timers may come due. */
  #until = 0

  now(): number {
    return this.#now
  }

  soon(task: Task): void {
    this.#tasks.push(task)
  }

  later(task: Task): void {
    this.soon(task)
  }

  at(due: number, task: Task): Timer {
    const cancel = () => {
      const index = this.#timers.indexOf(timer)
      if (index >= 0) this.#timers.splice(index, 1)
    }
    const timer: VirtualTimer = { due, task, cancel }
    const after = this.#timers.findIndex((other) => other.due > due)
    this.#timers.splice(after < 0 ? this.#timers.length : after, 0, timer)
    return timer
  }

  get ready(): readonly string[] {
    return this.#tasks.map((task) => task.label)
  }

  get time(): number {
    return this.#now / NS_PER_MS
  }

  step(): string | undefined {
    return this.#step(() => 0)
  }

  run(): string[] {
    return this.#run(() => 0)
  }

  runSeed(seed: number): string[] {
    return this.#run(seeded(seed))
  }

  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`advance takes 0 ms or more, not ${ms}`)
    this.#until += ms * NS_PER_MS
  }

  interleave(name: string, action: () => unknown): void {
    this.soon(new OneStep(name, () => void action()))
  }

  async until<T>(promise: PromiseLike<T>, seed?: number): Promise<T> {
    const pick = seed === undefined ? () => 0 : seeded(seed)
    let settled = false
    const settle = () => {
      settled = true
    }
    promise.then(settle, settle)
    for (let idle = 0; !settled && idle < IDLE_TURNS; idle++) {
      if (this.#run(pick).length > 0) idle = 0
      await setImmediate()
    }
    if (!settled) throw new Error('the promise hangs: no step is left to run; does it wait for advance(ms)?')
    return promise
  }

  #run(pick: (below: number) => number): string[] {
    const names: string[] = []
    for (let name = this.#step(pick); name !== undefined; name = this.#step(pick)) {
      names.push(name)
      if (names.length === MAX_STEPS)
        throw new Error(`still busy after ${MAX_STEPS} steps, at last with ${name}`)
    }
    return names
  }

  #step(pick: (below: number) => number): string | undefined {
    const [timer] = this.#timers
    const timers = timer !== undefined && timer.due <= this.#until ? 1 : 0
    const index = pick(this.#tasks.length + timers)
    const [task] = this.#tasks.splice(index, 1)
    if (task !== undefined) return this.#take(task)
    if (timer !== undefined && timers > 0) return this.#expire(timer)
    this.#now = this.#until
    return undefined
  }

  #expire(timer: VirtualTimer): string {
    this.#now = Math.max(this.#now, timer.due)
    timer.cancel()
    return this.#take(timer.task)
  }

  #take(task: Task): string {
    const { label } = task
    if (task.step()) this.#tasks.push(task)
    return label
  }
}
