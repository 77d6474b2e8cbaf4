/** When the driver's work runs: always outside the call that asked for it, in an order the scheduler chooses. */

/** Work in steps. Between two steps of one task any step of any other may run, and any call may come. */
export interface Task {
  /** What the next step does, for traces: `unpin 7`. */
  readonly label: string
  /** Does one step. True: there are more. Never throws. */
  step(): boolean
}

export interface Timer {
  cancel(): void
}

export interface Scheduler {
  /** Whether steps run by themselves, so that it makes sense to keep the event loop alive for them. */
  readonly byItself: boolean
  /** Whether a short share is set up inside its call; else every step of it can be scheduled. */
  readonly inline: boolean
  /** Monotonic, in nanoseconds. */
  now(): number
  /** Runs the task as soon as the caller has returned. */
  soon(task: Task): void
  /** Runs the task once the program had a turn. `referenced`: the program does not exit before that. */
  later(task: Task, referenced: boolean): void
  /** Runs the task at `due` nanoseconds; at once when that has passed. A timer keeps no program alive. */
  at(due: number, task: Task): Timer
}

/** A task of one step. */
export class OneStep implements Task {
  readonly label: string
  readonly #run: () => void

  constructor(label: string, run: () => void) {
    this.label = label
    this.#run = run
  }

  step(): boolean {
    this.#run()
    return false
  }
}
