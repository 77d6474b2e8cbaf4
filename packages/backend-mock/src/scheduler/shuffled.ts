/**
 * Runs the driver by itself, in real time, one step a turn of the event loop, and picks the step by a seed: whatever a
 * program relies on besides the contract breaks sooner or later.
 */
import { RealTimer } from './live.ts'
import { type Random, seeded } from './random.ts'
import type { Scheduler, Task, Timer } from './scheduler.ts'

export class ShuffledScheduler implements Scheduler {
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
    setImmediate(this.#turn)
  }

  readonly #turn = (): void => {
    const [task] = this.#ready.splice(this.#random(this.#ready.length), 1)
    this.#armed = false
    this.#arm() // first, because a step may throw what a sink threw
    if (task?.step()) this.soon(task)
  }
}
