/**
 * The peer `blast` puts records {u64 index, bytes of (u8)index}, or samples of runs, into the ring as fast as the program takes
 * them, and waits, rather than drops, while the ring is full.
 */
import { maxPayload } from '@pendshare/core'
import { RUN_BYTES } from '@pendshare/core/ring/layout'
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
    const [givenPayload = 0, count = 0, runs = 0] = fields(share.options, 3)
    const payload = givenPayload || DEFAULT_PAYLOAD
    checkRange('The payload', payload, MIN_PAYLOAD, MAX_PAYLOAD)
    checkRange('Runs', runs, 0, 1)
    checkFits(share.length, payload)
    const blasting = new Blasting(share, payload, count, runs === 1)
    share.wake()
    return { step: () => blasting.step() }
  },
}

class Blasting {
  readonly #share: PeerShare
  readonly #ring: Outbound
  readonly #payload: number
  readonly #count: number
  readonly #room: number
  #index = 0

  constructor(share: PeerShare, payload: number, count: number, runs: boolean) {
    this.#share = share
    this.#ring = new Outbound(share, share.memory, runs)
    // As much as the first sample of a run takes; where not even that fits the ring, each is a record of its own.
    const first = runs ? payload + RUN_BYTES : payload
    this.#room = first > maxPayload(this.#ring.bytes.length) ? payload : first
    this.#payload = payload
    this.#count = count
  }

  step(): boolean {
    let bytes = 0
    while (bytes < BATCH_BYTES && !this.#done && this.#ring.room(this.#room)) {
      this.#write(this.#ring.push(this.#payload))
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
