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

/** Turns of the event loop after which a program that does asynchronous work has asked for the next step. */
const QUIET_TURNS = 3

const MOST_STEPS_A_TURN = 4

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
  /**
   * Adds a step of the test's own to the driver's: `interleave('release', () => share.release(), seed % 20)`. It is ready
   * after so many further steps, 0 by default, or as soon as nothing else is.
   */
  interleave(name: string, action: () => unknown, afterSteps?: number): void
  /**
   * Runs steps until the promise has settled, and lets the program have its turn after each; by a seed, in its order,
   * and with a turn now and then. Settles as the promise does; rejects when it hangs.
   */
  until<T>(promise: PromiseLike<T>, seed?: number): Promise<T>
}

/** A task that is not ready yet. */
interface Due {
  readonly due: number
  readonly task: Task
}

export class SteppedScheduler implements Scheduler, ScheduleControls {
  readonly byItself = false
  readonly inline = false
  readonly #tasks: Task[] = []
  /** By nanoseconds. */
  readonly #timers: Due[] = []
  /** By steps that were run. */
  readonly #delayed: Due[] = []
  #steps = 0
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
    const timer = { due, task }
    insert(this.#timers, timer)
    return { cancel: () => remove(this.#timers, timer) }
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

  interleave(name: string, action: () => unknown, afterSteps = 0): void {
    const task = new OneStep(name, () => void action())
    if (afterSteps > 0) insert(this.#delayed, { due: this.#steps + afterSteps, task })
    else this.soon(task)
  }

  async until<T>(promise: PromiseLike<T>, seed?: number): Promise<T> {
    const pick = seed === undefined ? () => 0 : seeded(seed)
    let settled = false
    const settle = () => {
      settled = true
    }
    promise.then(settle, settle)
    for (let idle = 0; !settled && idle < IDLE_TURNS; idle++) {
      // By a seed also several steps, so that the program may look before or after each, or not at all.
      for (let more = pick(MOST_STEPS_A_TURN) + 1; more > 0; more--) {
        if (this.#step(pick) !== undefined) idle = 0
      }
      if (idle >= QUIET_TURNS && this.#undelay()) idle = 0
      await setImmediate()
    }
    if (!settled) throw new Error('the promise hangs: no step is left to run; does it wait for advance(ms)?')
    return promise
  }

  #run(pick: (below: number) => number): string[] {
    const names: string[] = []
    for (;;) {
      const name = this.#step(pick)
      if (name === undefined && !this.#undelay()) break
      if (name !== undefined) names.push(name)
      if (names.length === MAX_STEPS)
        throw new Error(`still busy after ${MAX_STEPS} steps, at last with ${name}`)
    }
    return names
  }

  #step(pick: (below: number) => number): string | undefined {
    while (this.#delayed[0] !== undefined && this.#delayed[0].due <= this.#steps) this.#undelay()
    const [timer] = this.#timers
    const expired = timer !== undefined && timer.due <= this.#until
    const [task] = this.#tasks.splice(pick(this.#tasks.length + (expired ? 1 : 0)), 1)
    if (task !== undefined) return this.#take(task)
    if (expired) return this.#expire(timer)
    this.#now = this.#until
    return undefined
  }

  #undelay(): boolean {
    const delayed = this.#delayed.shift()
    if (delayed !== undefined) this.soon(delayed.task)
    return delayed !== undefined
  }

  #expire(timer: Due): string {
    this.#now = Math.max(this.#now, timer.due)
    remove(this.#timers, timer)
    return this.#take(timer.task)
  }

  #take(task: Task): string {
    this.#steps += 1
    const { label } = task
    if (task.step()) this.#tasks.push(task)
    return label
  }
}

/** Keeps the list by rising due; of equal ones, the older first. */
function insert(list: Due[], entry: Due): void {
  const after = list.findIndex(({ due }) => due > entry.due)
  list.splice(after < 0 ? list.length : after, 0, entry)
}

function remove(list: Due[], entry: Due): void {
  const index = list.indexOf(entry)
  if (index >= 0) list.splice(index, 1)
}
