/**
 * Runs the driver by itself, in real time: all that is ready in one microtask, so that a batch of events costs one
 * wake-up and a share costs no timer.
 */
import type { Scheduler, Task, Timer } from './scheduler.ts'

/** Longest chain of microtasks before timers and I/O of the program get a turn. */
const TURNS_BEFORE_YIELD = 256

/** A reaction to it is a microtask, at a quarter of the price of Node's queueMicrotask(). */
export const NOW = Promise.resolve()

/** A longer time than this is waited for in pieces: setTimeout takes 31 bits of milliseconds. */
const LONGEST_WAIT_MS = 0x7fffffff

const NS_PER_MS = 1e6

export class LiveScheduler implements Scheduler {
  readonly byItself = true
  readonly inline = true
  readonly #ready: Task[] = []
  #armed = false
  #turns = 0

  now(): number {
    return Number(process.hrtime.bigint())
  }

  soon(task: Task): void {
    this.#ready.push(task)
    if (!this.#armed) this.#arm()
  }

  later(task: Task, referenced: boolean): void {
    // An unreferenced immediate would wait for the event loop to be woken by something else.
    if (referenced) setImmediate(() => this.soon(task))
    else setTimeout(() => this.soon(task), 0).unref()
  }

  at(due: number, task: Task): Timer {
    return new RealTimer(this, due, task)
  }

  #arm(): void {
    this.#armed = true
    this.#turns += 1
    if (this.#turns % TURNS_BEFORE_YIELD === 0) setImmediate(this.#turn)
    else NOW.then(this.#turn)
  }

  /** Also runs what becomes ready meanwhile, so that an end is delivered in the turn that publishes it. */
  readonly #turn = (): void => {
    const ready = this.#ready
    let done = 0
    try {
      while (done < ready.length) {
        const task = ready[done++] as Task // done was < length, and nothing removes
        while (task.step());
      }
    } finally {
      // A sink that throws must not lose the work behind it.
      // Popping keeps the array's memory, which setting its length gives away.
      if (done === ready.length) while (done-- > 0) ready.pop()
      else ready.splice(0, done)
      this.#armed = false
      if (ready.length > 0) this.#arm()
    }
  }
}

export class RealTimer implements Timer {
  readonly #scheduler: Scheduler
  readonly #due: number
  readonly #task: Task
  #timeout: NodeJS.Timeout | undefined
  #cancelled = false

  constructor(scheduler: Scheduler, due: number, task: Task) {
    this.#scheduler = scheduler
    this.#due = due
    this.#task = task
    this.#wait()
  }

  cancel(): void {
    this.#cancelled = true
    clearTimeout(this.#timeout)
  }

  readonly #wait = (): void => {
    if (this.#cancelled) return
    const ms = (this.#due - this.#scheduler.now()) / NS_PER_MS
    if (ms <= 0) this.#scheduler.soon(this.#task)
    else this.#timeout = setTimeout(this.#wait, Math.min(Math.ceil(ms), LONGEST_WAIT_MS)).unref()
  }
}
