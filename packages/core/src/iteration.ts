/**
 * The one async iteration of the library: over a doorbell, over a ring, and over whatever comes. What is iterated over
 * only says what there is now and how to hear of more; waiting, taking turns, leaving and aborting are done here. A listener goes over
 * the same sources without a promise: listening.ts.
 *
 * By hand, because an async generator that waits can be left only when its wait is over, and because from a ring to the loop's
 * body it takes four turns of the microtask queue, where this takes two. All of it runs on the one thread of its event loop: between
 * a look that finds nothing and the call of `listen()` nothing else runs, so no change falls in between.
 */
import { performance } from 'node:perf_hooks' // the global one is a getter

/** What an iteration or a listener goes over. */
export interface Source<T> {
  /** Called once, before the first look. What it throws ends the iteration, and then `leave()` is not called. */
  enter?(): void
  /** What there is now: a value, the end, or `undefined` when there is nothing yet. What it throws ends the iteration. */
  look(): IteratorResult<T, undefined> | undefined
  /** Calls `wake` whenever another look may find something, or for nothing, until what it returns is called. */
  listen(wake: () => void): () => void
  /**
   * Where there can be values without end that no event brings: called before the event loop gets the turn that it is
   * given each millisecond, without which doorbells, signals and the end of the share would not get through.
   */
  pause?(): void
  /** No more will come than lies there already, which needs no turn of the event loop. */
  readonly ended?: boolean
  /** Called once when the iteration is over, whatever ended it: frees what was claimed. Never throws. */
  leave?(): void
}

export type Step<T> = IteratorResult<T, undefined>

export const END: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true })

/** A source that never runs dry gives the event loop a turn after so many milliseconds. */
export const TURN_MS = 1

/** Its `then()` is the cheapest microtask: `queueMicrotask()` makes an object for async hooks besides. */
export const SOON = Promise.resolve()

interface Asked<T> {
  readonly resolve: (step: Step<T>) => void
  readonly reject: (error: unknown) => void
}

/**
 * `next()` calls that overlap are answered in their order. `return()` and `throw()` end it at once, also while a `next()` waits,
 * which is then done. An aborted signal rejects the step that waits, else the next one, with its reason. The signal is listened
 * to directly, and only while a step waits: a signal made by `AbortSignal.any()` may be collected before it aborts (Node.js 22.12).
 */
export class Iteration<T> implements AsyncGenerator<T, undefined, undefined> {
  readonly #source: Source<T>
  readonly #signal: AbortSignal | undefined
  /** Calls of `next()` without an answer yet. While there are any, exactly one of these will come: a wake, a turn, a microtask. */
  readonly #asked: Asked<T>[] = []
  #entered: boolean
  #over = false
  /** When the event loop has last had a turn. */
  #turn = performance.now()
  #listening = false
  #stop: (() => void) | undefined

  /** `entered`: the source has been entered by whoever makes the iteration. */
  constructor(source: Source<T>, signal: AbortSignal | undefined, entered = false) {
    this.#source = source
    this.#signal = signal
    this.#entered = entered
  }

  next(): Promise<Step<T>> {
    if (this.#over) return Promise.resolve(END)
    if (this.#asked.length > 0) return this.#ask()
    try {
      if (this.#due()) {
        const answer = this.#ask()
        this.#pause()
        return answer
      }
      const step = this.#look()
      if (step === undefined) {
        const answer = this.#ask()
        this.#listen()
        return answer
      }
      if (step.done) this.#finish()
      return Promise.resolve(step)
    } catch (error) {
      this.#finish()
      return Promise.reject(error)
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#finish()
    return END
  }

  async throw(error: unknown): Promise<never> {
    this.#finish()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#finish()
  }

  #ask(): Promise<Step<T>> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject })
    })
  }

  /** Answers the oldest call; the one after it in a turn of its own, when whoever got the first answer has seen it. */
  #answer(): void {
    const oldest = this.#asked[0]
    if (oldest === undefined) return // left meanwhile
    try {
      const step = this.#look()
      if (step === undefined) this.#listen()
      else if (step.done) this.#finish()
      else {
        this.#asked.shift()
        oldest.resolve(step)
        if (this.#asked.length > 0) SOON.then(this.#goOn)
      }
    } catch (error) {
      oldest.reject(error)
      this.#finish()
    }
  }

  #due(): boolean {
    return this.#entered && this.#source.pause !== undefined && performance.now() - this.#turn >= TURN_MS
  }

  #look(): Step<T> | undefined {
    this.#signal?.throwIfAborted()
    if (!this.#entered) {
      this.#source.enter?.()
      this.#entered = true
      this.#turn = performance.now()
    }
    return this.#source.look()
  }

  readonly #goOn = (): void => this.#answer()

  #pause(): void {
    // First, for the producer may go on in that turn.
    this.#source.pause?.()
    setImmediate(() => {
      this.#turn = performance.now()
      this.#answer()
    })
  }

  #listen(): void {
    this.#listening = true
    this.#stop = undefined
    this.#signal?.addEventListener('abort', this.#wake)
    const stop = this.#source.listen(this.#wake)
    if (this.#listening) this.#stop = stop
    else stop() // it has woken at once
  }

  readonly #wake = (): void => {
    if (!this.#listening) return
    this.#listening = false
    this.#stop?.()
    this.#signal?.removeEventListener('abort', this.#wake)
    this.#turn = performance.now()
    // Later, so that all the events of one wake-up are seen together, and nothing runs within the call that wakes.
    SOON.then(this.#goOn)
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    if (this.#listening) this.#wake()
    if (this.#entered) this.#source.leave?.()
    for (const { resolve } of this.#asked.splice(0)) resolve(END)
  }
}
