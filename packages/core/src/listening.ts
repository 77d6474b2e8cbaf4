/**
 * Listeners: they go over the sources of iteration.ts, and are called in the wake-up itself, with no promise and no turn of the
 * microtask queue in between.
 */
import { performance } from 'node:perf_hooks' // the global one is a getter
import { SOON, type Source, TURN_MS } from './iteration.ts'
import { type ListenOptions, listener as listenerCheck, listenOptions, parse } from './schemas.ts'

/**
 * A listener that was added. Disposing of it takes it away, also from within a call: there is none after that, and what
 * was handed to nobody stays for the next consumer.
 *
 * It is called by the event loop only, never within a call of the program's, and first for what is there already. What it throws goes
 * where Node.js sends what the listener of an event throws: it is an uncaught exception. Where that is survived, calls go on. A
 * listener that is called does not hear of what comes meanwhile by another call within its own, but by the next one.
 */
export interface Listening extends Disposable {
  /**
   * Resolves when no more calls come: the share has ended and everything was told, or the listener was taken away. Rejects with
   * what keeps its source from being read, `ERR_PENDSHARE_RING_CORRUPT` for instance.
   */
  readonly done: Promise<void>
}

/** `after` has each value when its call is over, whatever came of it. Throws what `source.enter()` and `source.listen()` do. */
export function listen<T>(
  call: string,
  source: Source<T>,
  listener: (value: T) => void,
  options: ListenOptions,
  after?: (value: T) => void,
): Listening {
  parse(listenerCheck, listener, call, ['listener'])
  const { signal } = parse(listenOptions, options, call)
  return new SourceListening(source, listener, signal, after)
}

class SourceListening<T> implements Listening {
  readonly #source: Source<T>
  readonly #listener: (value: T) => void
  readonly #signal: AbortSignal | undefined
  readonly #after: ((value: T) => void) | undefined
  readonly #done = Promise.withResolvers<void>()
  /** Wakes are for nothing: a run is under way, which looks once more before it is over, or the first one is to come. */
  #busy = true
  #over = false
  #stop: (() => void) | undefined
  #turn: NodeJS.Immediate | undefined

  constructor(
    source: Source<T>,
    listener: (value: T) => void,
    signal: AbortSignal | undefined,
    after: ((value: T) => void) | undefined,
  ) {
    this.#source = source
    this.#listener = listener
    this.#signal = signal
    this.#after = after
    if (signal?.aborted) {
      this.#over = true
      this.#done.resolve()
      return
    }
    source.enter?.()
    try {
      this.#stop = source.listen(this.#run)
    } catch (error) {
      source.leave?.()
      throw error
    }
    signal?.addEventListener('abort', this.#leave)
    SOON.then(() => {
      this.#busy = false
      this.#run()
    })
  }

  get done(): Promise<void> {
    return this.#done.promise
  }

  [Symbol.dispose](): void {
    this.#leave()
  }

  readonly #run = (): void => {
    if (this.#busy) return
    this.#busy = true
    try {
      this.#tell()
    } catch (error) {
      this.#finish()
      this.#done.reject(error)
    } finally {
      this.#busy = false
    }
  }

  /** Until there is nothing more; of a source that does not run dry the event loop gets its turns. */
  #tell(): void {
    for (let calls = 0, turn = 0; !this.#over; calls++) {
      // One value a wake-up is the rule, and costs no look at the clock.
      if (calls === 1) turn = performance.now() + TURN_MS
      if (calls > 1 && this.#isDue(turn)) {
        this.#rest()
        return
      }
      const step = this.#source.look()
      if (step === undefined) return
      if (step.done) this.#leave()
      else this.#call(step.value)
    }
  }

  #call(value: T): void {
    try {
      this.#listener(value)
    } catch (error) {
      rethrow(error)
    }
    if (this.#after === undefined) return
    try {
      this.#after(value)
    } catch (error) {
      rethrow(error)
    }
  }

  /** Not at the end: it is heard in the run that it wakes, so that everything was told when `share.ended` settles. */
  #isDue(turn: number): boolean {
    const { pause, ended } = this.#source
    return pause !== undefined && !ended && performance.now() >= turn
  }

  #rest(): void {
    this.#source.pause?.()
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined
      this.#run()
    })
  }

  readonly #leave = (): void => {
    this.#finish()
    this.#done.resolve()
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.#stop?.()
    this.#signal?.removeEventListener('abort', this.#leave)
    clearImmediate(this.#turn)
    this.#source.leave?.()
  }
}

/** As an EventTarget of Node.js does it. */
function rethrow(error: unknown): void {
  process.nextTick(() => {
    throw error
  })
}
