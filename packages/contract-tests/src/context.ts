/** What a running law works with: bounded waits, devices that are closed afterwards, and the witness of each. */
import assert from 'node:assert/strict'
import type { Device } from '@pendshare/core'
import type { Subject } from './subject.ts'
import { within } from './watchdog.ts'
import { type Witness, watched } from './witness.ts'

export class Context {
  readonly subject: Subject
  readonly #devices = new Map<Device, Witness | undefined>()

  constructor(subject: Subject) {
    this.subject = subject
  }

  get watchdogMs(): number {
    return this.subject.watchdogMs ?? 30_000
  }

  /** Waits for `promise`, and fails with `what` when it hangs for as many watchdogs as it is given. */
  within<T>(what: string, promise: PromiseLike<T>, watchdogs = 1): Promise<T> {
    return within(watchdogs * this.watchdogMs, what, promise)
  }

  /** A fresh device. Closed when the law has run, whatever happened. */
  async open(): Promise<Device> {
    let witness: Witness | undefined
    const device = await this.within(
      'open()',
      this.subject.open((backend) => watched(backend, (seen) => (witness = seen))),
    )
    this.#devices.set(device, witness)
    return device
  }

  /** What happened between the core and the backend under this device. */
  witness(device: Device): Witness {
    const witness = this.#devices.get(device)
    assert.ok(witness, 'open() has to pass its backend through the function that it is given')
    return witness
  }

  /** Lets the event loop turn until `done`, and fails with `what` when that never comes. */
  async until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
    const end = performance.now() + this.watchdogMs
    while (!(await done())) {
      assert.ok(performance.now() < end, `hung for ${this.watchdogMs} ms: ${what}`)
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  /** Closes what the law left open, and fails with the first breach that a witness has noted. */
  async finish(): Promise<void> {
    const closing = [...this.#devices.keys()].map((device) => device.close())
    const closed = await Promise.allSettled(closing.map((each) => this.within('device.close()', each)))
    for (const witness of this.#devices.values()) if (witness?.breaches[0]) throw witness.breaches[0]
    for (const outcome of closed) if (outcome.status === 'rejected') throw outcome.reason
  }
}

/**
 * Runs one law on a subject. Rejects with what is broken: a breach that a witness has seen comes first, for it tells
 * why the law's own steps failed, which are then its cause.
 */
export async function runLaw(law: { run(context: Context): Promise<void> }, subject: Subject): Promise<void> {
  const context = new Context(subject)
  const own = await outcome(() => law.run(context))
  const seen = await outcome(() => context.finish())
  if (seen !== undefined && own !== undefined) seen.cause = own
  const failure = seen ?? own
  if (failure !== undefined) throw failure
}

async function outcome(run: () => Promise<void>): Promise<Error | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
