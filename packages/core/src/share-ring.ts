/**
 * The ring of a share: the reader of what the peer sends, and the writer to a peer that listens. Whether there is one
 * is known for the built-in peers; a peer of one's own has one when the memory starts with a ring's magic.
 */
import { name } from './diagnostics.ts'
import { endedError, PendshareError } from './errors.ts'
import { BUILT_IN_PEERS, isBuiltInPeer } from './peers.ts'
import { CAPACITY, MAGIC, RING_MAGIC, ringCapacity, ringHeader, ringMemory } from './ring/layout.ts'
import { type RingBell, RingReader } from './ring/reader.ts'
import { RingWriter } from './ring/writer.ts'
import type { PendedShare } from './share.ts'

export class ShareRing extends RingReader {
  readonly #share: PendedShare
  readonly #count: 1 | 2
  #writer: RingWriter | undefined

  constructor(share: PendedShare, count: 1 | 2) {
    super(ringMemory(share.memory, 0, count), bellOf(share))
    this.#share = share
    this.#count = count
  }

  /**
   * Writes to the peer; when its `publish()` returns true, the peer sleeps: call `share.notify()`.
   *
   * @throws PendshareError `ERR_PENDSHARE_NO_RING` when the peer only sends, `ERR_PENDSHARE_ENDED`
   */
  get writer(): RingWriter {
    const share = this.#share
    if (share.state === 'ended') throw endedError(name(share), 'its peer reads no more')
    if (this.#count === 1) throw noRing(`peer '${share.peer}' only sends`)
    this.#writer ??= new RingWriter(ringMemory(share.memory, 1, 2))
    return this.#writer
  }
}

/** Throws `ERR_PENDSHARE_NO_RING` when the share has none. */
export function ringOf(share: PendedShare): ShareRing {
  if (share.state === 'sharing') throw noRing(`${name(share)} has not been accepted yet`)
  const count = ringCount(share.peer, share.memory)
  if (count === 0)
    throw noRing(share.peer === '' ? `${name(share)} has no peer` : `peer '${share.peer}' has none`)
  return new ShareRing(share, count)
}

/** A driver lays rings out as large as they can be, so the capacity of the first tells whether there is a second. */
function ringCount(peer: string, memory: Uint8Array): 0 | 1 | 2 {
  if (isBuiltInPeer(peer)) return BUILT_IN_PEERS[peer].rings
  if (peer === '' || ringCapacity(memory.length) === 0) return 0
  const header = ringHeader(memory)
  if (Atomics.load(header, MAGIC) !== RING_MAGIC) return 0
  return Atomics.load(header, CAPACITY) === ringCapacity(memory.length) ? 1 : 2
}

function bellOf(share: PendedShare): RingBell {
  return {
    listen: (wake) => share.doorbell.listen(wake),
    ring: () => share.doorbell.ring(1),
    get ended() {
      return share.state === 'ended'
    },
    /** What is left may be read after the end, but not from memory that another share has by now. */
    get lost() {
      if (share.state !== 'ended' || !share.region.lent) return undefined
      return endedError(name(share), 'its region is lent again')
    },
  }
}

function noRing(why: string): PendshareError {
  return new PendshareError('ERR_PENDSHARE_NO_RING', `there is no ring: ${why}`)
}
