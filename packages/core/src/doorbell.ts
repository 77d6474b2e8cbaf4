/**
 * The user's side of a share's doorbell. Rings coalesce and none is lost: counts add up to `total` for everyone
 * who listens, however late they come to look.
 */
import { endedError } from './errors.ts'
import { parse, type WaitOptions, waitOptions } from './schemas.ts'

/**
 * Iterating yields how often the peer has rung since the step before, at least 1. Each iteration counts for itself,
 * from the share's start on, so several see every ring. It ends when the share has ended and all rings were yielded,
 * and never throws.
 */
export interface Doorbell extends AsyncIterable<number, undefined, undefined> {
  /** Rings since the share began. */
  readonly total: number
  /**
   * Resolves with the rings since `wait()` last resolved, as soon as there is one. Waits that overlap resolve
   * together, with the same count.
   *
   * Rejects with `ERR_PENDSHARE_ENDED` when the share has ended and all rings were told, with `signal.reason`
   * when aborted, which tells no ring, so that the next `wait()` does, and with `ERR_PENDSHARE_INVALID_ARGUMENT`.
   */
  wait(options?: WaitOptions): Promise<number>
}

export class ShareDoorbell implements Doorbell {
  total = 0
  readonly #waiters = new Set<() => void>()
  readonly #name: string
  #told = 0
  #ended: string | undefined

  /** `name` is what errors call the share. */
  constructor(name: string) {
    this.#name = name
  }

  async wait(options?: WaitOptions): Promise<number> {
    const signal = options === undefined ? undefined : parse(waitOptions, options, 'doorbell.wait()').signal
    signal?.throwIfAborted()
    const from = this.#told
    if (this.total === from) await this.changed(signal)
    if (this.total === from) throw endedError(this.#name, this.#ended ?? 'ended')
    this.#told = this.total
    return this.total - from
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<number, undefined, undefined> {
    let told = 0
    while (this.total !== told || this.#ended === undefined) {
      if (this.total === told) {
        await this.changed()
        continue
      }
      const count = this.total - told
      told = this.total
      yield count
    }
  }

  /** Resolves at the next ring or at the end, at once when it has ended; rejects with the signal's reason. */
  changed(signal?: AbortSignal): Promise<void> {
    if (this.#ended !== undefined) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const wake = () => {
        signal?.removeEventListener('abort', giveUp)
        resolve()
      }
      const giveUp = () => {
        this.#waiters.delete(wake)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', giveUp, { once: true })
      this.#waiters.add(wake)
    })
  }

  ring(count: number): void {
    this.total += count
    this.#wake()
  }

  end(reason: string): void {
    this.#ended = reason
    this.#wake()
  }

  /** Waking only settles promises, so nobody can come back in before the set is clear. */
  #wake(): void {
    if (this.#waiters.size === 0) return
    for (const wake of this.#waiters) wake()
    this.#waiters.clear()
  }
}
