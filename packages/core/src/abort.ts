/** Ties shares to abort signals with one listener for each signal, however many shares it has. */
import type { PendedShare } from './pended-share.ts'

interface Watch {
  readonly shares: Set<PendedShare>
  readonly listener: () => void
}

export class AbortWatch {
  readonly #watches = new Map<AbortSignal, Watch>()

  /** From now on an abort of `signal` cancels `share`. */
  add(signal: AbortSignal, share: PendedShare): void {
    let watch = this.#watches.get(signal)
    if (watch === undefined) {
      const shares = new Set<PendedShare>()
      const listener = () => {
        for (const each of shares) each.cancel(signal.reason)
      }
      watch = { shares, listener }
      signal.addEventListener('abort', listener, { once: true })
      this.#watches.set(signal, watch)
    }
    watch.shares.add(share)
  }

  /** Forgets the share, and the signal with its last one. */
  remove(signal: AbortSignal, share: PendedShare): void {
    const watch = this.#watches.get(signal)
    if (!watch?.shares.delete(share) || watch.shares.size > 0) return
    signal.removeEventListener('abort', watch.listener)
    this.#watches.delete(signal)
  }
}
