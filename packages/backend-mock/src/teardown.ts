/**
 * Gives everything back, in the order of the real drivers: peer detach → unmap → unpin → uncharge → end event. It is
 * begun by the one caller that ended the lease and resumed by the one that dropped its last reference, so it
 * runs once; nothing touches the memory from `unmap` on, and the end comes after that.
 */
import type { Task } from './scheduler/scheduler.ts'
import type { Share } from './share.ts'

const STAGES: readonly (readonly [string, (share: Share) => void])[] = [
  ['unmap', (share) => share.unmap()],
  ['unpin', (share) => share.unpin()],
  ['uncharge', (share) => share.uncharge()],
  ['publish', (share) => share.publish()],
]

export class Teardown implements Task {
  readonly #share: Share
  #detached = false
  #stage = 0

  constructor(share: Share) {
    this.#share = share
  }

  get label(): string {
    return `${this.#detached ? STAGES[this.#stage]?.[0] : 'detach'} ${this.#share.id}`
  }

  step(): boolean {
    if (!this.#detached) return this.#detach()
    STAGES[this.#stage]?.[1](this.#share)
    this.#stage += 1
    return this.#stage < STAGES.length
  }

  /** Waits for a step of the peer that is under way, then for the last reference. */
  #detach(): boolean {
    const { port, lease } = this.#share
    if (port?.busy(this)) return false
    port?.detach()
    this.#detached = true
    return lease.put()
  }
}
