/**
 * The pended requests of one open file. Each is parked together with its cancel routine, through which everything
 * that ends a share goes; a request stays parked until its end was delivered, and thereby holds the memory.
 *
 *   park ──► parked ── cancel(reason), first one wins ──► cancelled ── last user ──► end delivered: complete
 */
import type { EndReason, ShareId } from '@pendshare/core'
import { LiveTable } from '@pendshare/core/live'

export interface Pended {
  readonly id: ShareId
  /** The cancel routine: begins the end and never waits. True to the caller whose reason stands. */
  cancel(reason: EndReason): boolean
}

export class PendQueue<Request extends Pended> {
  readonly #parked = new LiveTable<Request>()

  get size(): number {
    return this.#parked.size
  }

  find(id: ShareId): Request | undefined {
    return this.#parked.get(id)
  }

  park(request: Request): void {
    this.#parked.add(request)
  }

  cancel(id: ShareId, reason: EndReason): boolean {
    return this.#parked.get(id)?.cancel(reason) ?? false
  }

  /** Nothing is parked during the walk: the caller has closed the file to new requests. */
  cancelAll(reason: EndReason): void {
    for (const request of this.#parked) request.cancel(reason)
  }

  complete(id: ShareId): void {
    this.#parked.delete(id)
  }

  [Symbol.iterator](): Iterator<Request> {
    return this.#parked[Symbol.iterator]()
  }
}
