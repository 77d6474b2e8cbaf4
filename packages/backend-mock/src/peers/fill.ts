/** The peer `fill` writes one byte value over the whole share, the next value each round. */
import { checkRange, fields } from './options.ts'
import type { MockPeer, PeerShare } from './peer.ts'

/** Written by one step. */
const STEP_BYTES = 1 << 20

export const fill: MockPeer = {
  name: 'fill',
  access: 'write',
  attach(share) {
    const [periodNs = 0, rounds = 0, first = 0] = fields(share.options, 3)
    checkRange('The first value', first, 0, 255)
    const filling = new Filling(share, rounds, first)
    if (periodNs > 0) share.every(periodNs)
    else share.wake()
    return { step: () => filling.step(), notify: () => share.wake() }
  },
}

class Filling {
  readonly #share: PeerShare
  readonly #rounds: number
  readonly #first: number
  #round = 0
  #offset = 0

  constructor(share: PeerShare, rounds: number, first: number) {
    this.#share = share
    this.#rounds = rounds
    this.#first = first
  }

  step(): boolean {
    const share = this.#share
    const end = Math.min(this.#offset + STEP_BYTES, share.length)
    share.memory.fill(this.#first + this.#round, this.#offset, end)
    share.written(end)
    this.#offset = end
    if (end < share.length) return true
    this.#offset = 0
    this.#round += 1
    share.ring()
    if (this.#round === this.#rounds) share.end()
    return false
  }
}
