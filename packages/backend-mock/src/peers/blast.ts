/**
 * The peer `blast` puts records {u64 index, bytes of (u8)index} into the ring as fast as the program takes them, and
 * waits, rather than drops, while the ring is full.
 */
import { checkFits, checkRange, fields } from './options.ts'
import { Outbound } from './outbound.ts'
import type { MockPeer, PeerShare } from './peer.ts'

const DEFAULT_PAYLOAD = 64
const MIN_PAYLOAD = 8
const MAX_PAYLOAD = 1 << 20
/** Published at once. */
const BATCH_BYTES = 0x8000
/** How long to leave a full ring alone. */
const PAUSE_NS = 1e6

export const blast: MockPeer = {
  name: 'blast',
  access: 'readwrite',
  attach(share) {
    const [givenPayload = 0, count = 0] = fields(share.options, 2)
    const payload = givenPayload || DEFAULT_PAYLOAD
    checkRange('The payload', payload, MIN_PAYLOAD, MAX_PAYLOAD)
    checkFits(share.length, payload)
    const blasting = new Blasting(share, payload, count)
    share.wake()
    return { step: () => blasting.step() }
  },
}

class Blasting {
  readonly #share: PeerShare
  readonly #ring: Outbound
  readonly #payload: number
  readonly #count: number
  #index = 0

  constructor(share: PeerShare, payload: number, count: number) {
    this.#share = share
    this.#ring = new Outbound(share, share.memory)
    this.#payload = payload
    this.#count = count
  }

  step(): boolean {
    let bytes = 0
    while (bytes < BATCH_BYTES && !this.#done && this.#ring.room(this.#payload)) {
      this.#write(this.#ring.reserve(this.#payload))
      bytes += this.#payload
    }
    this.#ring.publish()
    if (this.#done) this.#share.end()
    else if (bytes >= BATCH_BYTES) return true
    else this.#share.after(PAUSE_NS)
    return false
  }

  get #done(): boolean {
    return this.#count > 0 && this.#index === this.#count
  }

  #write(at: number): void {
    const { bytes, view } = this.#ring
    bytes.fill(this.#index, at, at + this.#payload)
    view.setBigUint64(at, BigInt(this.#index), true)
    this.#index += 1
  }
}
