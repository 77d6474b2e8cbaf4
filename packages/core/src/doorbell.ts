/**
 * The user's side of a share's doorbell. Rings coalesce and none is lost: counts add up to `total` for everyone
 * who listens, however late they come to look.
 */
import { endedError } from './errors.ts'
import { END, Iteration } from './iteration.ts'
import { parse, type WaitOptions, waitOptions } from './schemas.ts'

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
}

export class ShareDoorbell implements Doorbell {
  total = 0
  readonly #listeners = new Set<() => void>()
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
    let told = 0
    return new Iteration<number>(
      {
        look: () => {
          const value = this.total - told
          if (value === 0) return this.#ended === undefined ? undefined : END
          told = this.total
          return { value, done: false }
        },
        listen: (wake) => this.listen(wake),
      },
      signal,
    )
  }

  [Symbol.asyncIterator](): AsyncGenerator<number, undefined, undefined> {
    return this.rings()
  }

  /** Calls `wake` at the next ring or the end, once; it may not listen anew before it has returned. Returns what stops that. */
  listen(wake: () => void): () => void {
    this.#listeners.add(wake)
    return () => this.#listeners.delete(wake)
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
      const deaf = this.listen(() => {
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

  #wake(): void {
    if (this.#listeners.size === 0) return
    for (const wake of this.#listeners) wake()
    this.#listeners.clear()
  }
}
