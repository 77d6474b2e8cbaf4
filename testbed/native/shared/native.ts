/** What the programs share that play a native thread against JavaScript in the same memory. */
import { parseArgs } from 'node:util'
import type { RingBell } from '../../../packages/core/src/ring/reader.ts'
import { mix } from './stream.ts'

/** What came of it, as addon.h tells. */
export interface Outcome {
  readonly received: number
  readonly missing: number
  readonly dropped: number
  readonly sleeps: number
}

export type Done = (error: string | undefined, outcome: Outcome) => void

/** `done` is for the native thread; `ended` then tells what it has told. `over` is called at its end, however it ended. */
export function told(over: () => void): { readonly ended: Promise<Outcome>; readonly done: Done } {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
  const done: Done = (error, outcome) => {
    if (error === undefined) resolve(outcome)
    else reject(new Error(error))
    over()
  }
  return { ended: promise, done }
}

/** A bell that the native thread rings through the event loop, as a doorbell does. */
export class Bell implements RingBell {
  ended = false
  #rung = false
  readonly #waiting = new Set<() => void>()

  listen(wake: () => void): () => void {
    this.#waiting.add(wake)
    return () => this.#waiting.delete(wake)
  }

  ring(): void {
    this.#rung = true
    for (const wake of this.#waiting) wake()
  }

  end(): void {
    this.ended = true
    this.ring()
  }

  /** Resolves after a ring since it last resolved: for who does not read the ring meanwhile. */
  async wait(): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const stop = this.listen(() => {
          stop()
          resolve()
        })
      })
    }
    this.#rung = false
  }
}

const ROUNDS = 10

/** Plays rounds, each with numbers that follow from the seed, and prints what came of all of them. */
export async function inRounds(
  what: string,
  seed: number,
  play: (random: number, round: number, rounds: number) => Promise<Outcome>,
): Promise<void> {
  const total = { received: 0, missing: 0, sleeps: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    const outcome = await play(mix(seed + round), round, ROUNDS)
    total.received += outcome.received
    total.missing += outcome.missing
    total.sleeps += outcome.sleeps
  }
  const { received, missing, sleeps } = total
  console.log(`${what}: ${received} received, ${missing} dropped and counted, ${sleeps} sleeps, seed ${seed}`)
}

/** How many, and from which seed, as the command line says. */
export function numbers(): { readonly records: number; readonly seed: number } {
  const { values } = parseArgs({ options: { records: { type: 'string' }, seed: { type: 'string' } } })
  return { records: Number(values.records ?? 1_000_000), seed: Number(values.seed ?? 1) }
}
