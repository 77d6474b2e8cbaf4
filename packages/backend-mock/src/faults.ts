/** Makes the nth internal step of the driver fail, so that a test can walk every error path: "fail n until it passes". */
import { refusal } from './refusal.ts'

/** The steps that can fail, in the order a share takes them; `pin` once every 512 pages. */
const FAILURES = {
  allocate: 'ENOBUFS',
  quota: 'EDQUOT',
  charge: 'ENOMEM',
  pin: 'ENOBUFS',
  map: 'ENOBUFS',
  attach: 'ENOBUFS',
} as const
export type FaultStep = keyof typeof FAILURES

export interface Fault {
  /** The step that failed; `undefined` when fewer steps were taken so far. */
  readonly fired: FaultStep | undefined
  disarm(): void
}

export class Faults {
  #armed: Countdown | undefined

  failNth(n: number): Fault {
    if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`failNth takes 1 or more, not ${n}`)
    this.#armed = new Countdown(n)
    return this.#armed
  }

  /** Throws when this step is the one to fail. */
  pass(step: FaultStep): void {
    if (!this.#armed?.counts(step)) return
    this.#armed = undefined
    throw refusal(FAILURES[step], `The step "${step}" was made to fail by failNth().`)
  }
}

class Countdown implements Fault {
  fired: FaultStep | undefined
  #left: number

  constructor(n: number) {
    this.#left = n
  }

  disarm(): void {
    this.#left = 0
  }

  counts(step: FaultStep): boolean {
    if (this.#left === 0) return false
    this.#left -= 1
    if (this.#left === 0) this.fired = step
    return this.#left === 0
  }
}
