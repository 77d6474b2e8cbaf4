/**
 * The life of a lease, as drivers/common/lease.h has it: it ends once, for one reason, and its last user, whoever
 * that is, learns that it is the last.
 *
 *            end(reason), the first one wins
 *   live ───────────────────────────────────► ending
 *   references ≥ 1                            references ≥ 0, none can be added
 *   (one is the lease's own)                      │ put() of the last one
 *                                                 ▼
 *                                             last user: unpin, complete
 */
import type { EndReason } from '@pendshare/core'

export class Lease {
  #reason: EndReason | undefined
  #references = 1

  /** `undefined` while live, else the reason that won. */
  get reason(): EndReason | undefined {
    return this.#reason
  }

  /** Takes a reference for an access to the memory; false once the lease is ending. */
  get(): boolean {
    if (this.#reason !== undefined) return false
    this.#references += 1
    return true
  }

  /** Gives a reference back. True to exactly one caller, which has to see to the teardown. */
  put(): boolean {
    this.#references -= 1
    return this.#references === 0
  }

  /**
   * True to the first caller, whose reason stands, and who now owns the lease's own reference: it gives it back by
   * put() when it has told the peer to stop.
   */
  end(reason: EndReason): boolean {
    if (this.#reason !== undefined) return false
    this.#reason = reason
    return true
  }
}
