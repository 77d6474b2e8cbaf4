/** Takes what a share needs, step by step; a step that fails gives back all that was taken, so nothing stays pinned. */
import type { MockPeer } from './peers/peer.ts'
import type { Task } from './scheduler/scheduler.ts'
import type { Share } from './share.ts'

type Stage = (share: Share, peer: MockPeer | undefined) => boolean | undefined

const STAGES: readonly (readonly [string, Stage])[] = [
  ['quota', (share) => void share.takeQuota()],
  ['charge', (share) => void share.charge()],
  ['pin', (share) => share.pin()],
  ['map', (share, peer) => void (peer && share.map(peer))],
  ['attach', (share) => void share.attach()],
]

/** All steps at once. Throws why the share is refused. */
export function setUp(share: Share, peer: MockPeer | undefined): void {
  try {
    for (const [, stage] of STAGES) while (stage(share, peer));
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
    return `${STAGES[this.#stage]?.[0]} ${this.#share.id}`
  }

  step(): boolean {
    try {
      const more = STAGES[this.#stage]?.[1](this.#share, this.#peer)
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
