/**
 * Runs the driver by itself, in real time, one step at a time, and picks the step by a seed; between two steps the
 * program has a turn. Whatever it relies on besides the contract breaks sooner or later.
 */
import { NOW, RealTimer } from './live.ts'
import { type Random, seeded } from './random.ts'
import type { Scheduler, Task, Timer } from './scheduler.ts'

/** One in so many turns is one of the event loop, so that timers and I/O have theirs; the others are microtasks. */
const EVENT_LOOP_TURN = 8

export class ShuffledScheduler implements Scheduler {
  readonly byItself = true
  readonly inline = false
  readonly #ready: Task[] = []
  readonly #random: Random
  #armed = false

  constructor(seed: number) {
    this.#random = seeded(seed)
  }

  now(): number {
    return Number(process.hrtime.bigint())
  }

  soon(task: Task): void {
    this.#ready.push(task)
    this.#arm()
  }

  later(task: Task, referenced: boolean): void {
    if (referenced) this.soon(task)
    else setTimeout(() => this.soon(task), 0).unref()
  }

  at(due: number, task: Task): Timer {
    return new RealTimer(this, due, task)
  }

  #arm(): void {
    if (this.#armed || this.#ready.length === 0) return
    this.#armed = true
    if (this.#random(EVENT_LOOP_TURN) === 0) setImmediate(this.#turn)
    else NOW.then(this.#turn)
  }

  readonly #turn = (): void => {
    const [task] = this.#ready.splice(this.#random(this.#ready.length), 1)
    this.#armed = false
    this.#arm() // first, because a step may throw what a sink threw
    if (task?.step()) this.soon(task)
  }
}
