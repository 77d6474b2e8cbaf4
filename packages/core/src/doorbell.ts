/**
 * The user's side of a share's doorbell. Rings coalesce and none is lost: counts add up to `total` for everyone
 * who listens, however late they come to look.
 */
import { endedError } from './errors.ts'
import { END, Iteration, type Source } from './iteration.ts'
import { type Listening, listen } from './listening.ts'
import { type ListenOptions, parse, type WaitOptions, waitOptions } from './schemas.ts'

/** Iterating it is `rings()`. */
export interface Doorbell extends AsyncIterable<number, undefined, undefined> {
  /** Rings since the share began; whoever leaves a ring with records in it rings once, for those who wait. */
  readonly total: number
  /**
   * Resolves with the rings since `wait()` last resolved, as soon as there is one. Waits that overlap resolve
   * together, with the same count.
   *
   * Rejects with `ERR_PENDSHARE_ENDED` when the share has ended and all rings were told, with `signal.reason`
   * when aborted, which tells no ring, so that the next `wait()` does, and with `ERR_PENDSHARE_INVALID_ARGUMENT`.
   */
  wait(options?: WaitOptions): Promise<number>
  /**
   * An iteration that yields how often the peer has rung since the step before, at least 1. Each counts for itself, from
   * the share's start on, so several see every ring. It ends when the share has ended and all rings were yielded, and at once
   * when it is left, also while it waits. An aborted signal makes the step that waits, else the next one, reject with its reason.
   *
   * @throws PendshareError `ERR_PENDSHARE_INVALID_ARGUMENT`
   */
  rings(options?: WaitOptions): AsyncGenerator<number, undefined, undefined>
  /**
   * Calls `listener` in the wake-up that a ring causes, with how often the peer has rung since the call before, at least 1. Each
   * listener counts for itself, from the share's start on. The last call comes before `share.ended` settles. See `Listening`.
   *
   * @throws PendshareError `ERR_PENDSHARE_INVALID_ARGUMENT`
   */
  listen(listener: (count: number) => void, options?: ListenOptions): Listening
}

export class ShareDoorbell implements Doorbell {
  total = 0
  readonly #wakes = new Set<() => void>()
  readonly #name: string
  #told = 0
  #ended: string | undefined

  /** `name` is what errors call the share. */
  constructor(name: string) {
    this.#name = name
  }

  async wait(options: WaitOptions = {}): Promise<number> {
    const { signal } = parse(waitOptions, options, 'doorbell.wait()')
    signal?.throwIfAborted()
    const from = this.#told
    if (this.total === from && this.#ended === undefined) await this.#change(signal)
    if (this.total === from) throw endedError(this.#name, this.#ended ?? 'ended')
    this.#told = this.total
    return this.total - from
  }

  rings(options: WaitOptions = {}): AsyncGenerator<number, undefined, undefined> {
    const { signal } = parse(waitOptions, options, 'doorbell.rings()')
    return new Iteration(this.#source(), signal)
  }

  listen(listener: (count: number) => void, options: ListenOptions = {}): Listening {
    return listen('doorbell.listen()', this.#source(), listener, options)
  }

  [Symbol.asyncIterator](): AsyncGenerator<number, undefined, undefined> {
    return this.rings()
  }

  /** Calls `wake` at each ring and at the end, until what it returns is called. */
  subscribe(wake: () => void): () => void {
    this.#wakes.add(wake)
    return () => this.#wakes.delete(wake)
  }

  ring(count: number): void {
    this.total += count
    this.#wake()
  }

  end(reason: string): void {
    this.#ended = reason
    this.#wake()
  }

  #change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const deaf = this.subscribe(() => {
        deaf()
        signal?.removeEventListener('abort', giveUp)
        resolve()
      })
      const giveUp = () => {
        deaf()
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', giveUp, { once: true })
    })
  }

  #source(): Source<number> {
    let told = 0
    return {
      look: () => {
        const value = this.total - told
        if (value === 0) return this.#ended === undefined ? undefined : END
        told = this.total
        return { value, done: false }
      },
      listen: (wake) => this.subscribe(wake),
    }
  }

  /** A set may lose and get members while it is gone through: who is taken away meanwhile is not called. */
  #wake(): void {
    for (const wake of this.#wakes) wake()
  }
}
