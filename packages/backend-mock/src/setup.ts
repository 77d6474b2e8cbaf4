/** Takes what a share needs, step by step; a step that fails gives back all that was taken, so nothing stays pinned. */
import type { MockPeer } from './peers/peer.ts'
import type { Task } from './scheduler/scheduler.ts'
import type { Share } from './share.ts'

interface Stage {
  readonly name: string
  /** True: there is more of it. */
  readonly run: (share: Share, peer: MockPeer | undefined) => boolean | undefined
}

const STAGES: readonly Stage[] = [
  { name: 'quota', run: (share) => void share.takeQuota() },
  { name: 'charge', run: (share) => void share.charge() },
  { name: 'pin', run: (share) => share.pin() },
  { name: 'map', run: (share, peer) => void (peer && share.map(peer)) },
  { name: 'attach', run: (share) => void share.attach() },
]

/** All steps at once. Throws why the share is refused. */
export function setUp(share: Share, peer: MockPeer | undefined): void {
  try {
    for (const stage of STAGES) while (stage.run(share, peer));
  } catch (error) {
    share.unwind()
    throw error
  }
}

/** One step at a time, so that anything may come between them. */
export class Setup implements Task {
  readonly #share: Share
  readonly #peer: MockPeer | undefined
  readonly #settle: (error: unknown) => void
  #stage = 0

  /** `settle` is called once: with `undefined` when the share was accepted, else with why not. */
  constructor(share: Share, peer: MockPeer | undefined, settle: (error: unknown) => void) {
    this.#share = share
    this.#peer = peer
    this.#settle = settle
  }

  get label(): string {
    return `${STAGES[this.#stage]?.name} ${this.#share.id}`
  }

  step(): boolean {
    try {
      const more = STAGES[this.#stage]?.run(this.#share, this.#peer)
      if (!more) this.#stage += 1
    } catch (error) {
      this.#share.unwind()
      this.#settle(error)
      return false
    }
    if (this.#stage < STAGES.length) return true
    this.#settle(undefined)
    return false
  }
}
