/** A bell between threads: the main thread rings it in shared memory, the worker's reader waits for it. */
import type { RingBell } from 'pendshare'

const RINGS = 0
const ENDED = 1

export type BellState = Int32Array<SharedArrayBuffer>

export function newBell(): BellState {
  return new Int32Array(new SharedArrayBuffer(8))
}

/** Main thread: the peer has rung. */
export function ring(state: BellState): void {
  Atomics.add(state, RINGS, 1)
  Atomics.notify(state, RINGS)
}

/** Main thread: the share has ended. The reader reads what is left, and stops. */
export function end(state: BellState): void {
  Atomics.store(state, ENDED, 1)
  ring(state)
}

/** The worker's side. */
export class WorkerBell implements RingBell {
  readonly #state: BellState
  #heard = 0

  constructor(state: BellState) {
    this.#state = state
  }

  /** A wait begins only if there was no ring since the last one, and the end rings too: none is missed. */
  listen(wake: () => void): () => void {
    let listening = true
    const hear = () => {
      if (!listening) return
      this.#heard = Atomics.load(this.#state, RINGS)
      wake()
      wait()
    }
    const wait = () => {
      if (!listening) return
      const waiting = Atomics.waitAsync(this.#state, RINGS, this.#heard)
      if (waiting.async) waiting.value.then(hear)
      else hear()
    }
    wait()
    return () => {
      listening = false
    }
  }

  get ended(): boolean {
    return Atomics.load(this.#state, ENDED) === 1
  }
}
