/**
 * The ring of a share: the reader of what the peer sends, and the writer to a peer that listens. Whether there is one
 * is known for the built-in peers; a peer of one's own has one when the memory starts with a ring's magic.
 */
import { endedError, PendshareError } from './errors.ts'
import { BUILT_IN_PEERS, isBuiltInPeer } from './peer/built-in.ts'
import { CAPACITY, MAGIC, RING_MAGIC, ringCapacity, ringHeader, ringMemory } from './ring/layout.ts'
import { type RingBell, RingReader } from './ring/reader.ts'
import { RingWriter } from './ring/writer.ts'

/** What a ring needs of its share. */
export interface RingHost {
  /** What errors call the share. */
  readonly name: string
  readonly peer: string
  readonly memory: Uint8Array
  readonly bell: RingBell
}

export class ShareRing extends RingReader {
  readonly #host: RingHost
  readonly #count: 1 | 2
  #writer: RingWriter | undefined

  constructor(host: RingHost, count: 1 | 2) {
    super(ringMemory(host.memory, 0, count), host.bell)
    this.#host = host
    this.#count = count
  }

  /**
   * Writes to the peer; when its `publish()` returns true, the peer sleeps: call `share.notify()`.
   *
   * @throws PendshareError `ERR_PENDSHARE_NO_RING` when the peer only sends, `ERR_PENDSHARE_ENDED`
   */
  get writer(): RingWriter {
    const { name, peer, memory, bell } = this.#host
    if (bell.ended) throw endedError(name, 'its peer reads no more')
    if (this.#count === 1) throw noRing(`peer '${peer}' only sends`)
    this.#writer ??= new RingWriter(ringMemory(memory, 1, 2))
    return this.#writer
  }
}

/** The driver has accepted the share. Throws `ERR_PENDSHARE_NO_RING` when it has none. */
export function ringOf(host: RingHost): ShareRing {
  const { name, peer, memory } = host
  const count = ringCount(peer, memory)
  if (count === 0) throw noRing(peer === '' ? `${name} has no peer` : `peer '${peer}' has none`)
  return new ShareRing(host, count)
}

/** A driver lays rings out as large as they can be, so the capacity of the first tells whether there is a second. */
function ringCount(peer: string, memory: Uint8Array): 0 | 1 | 2 {
  if (isBuiltInPeer(peer)) return BUILT_IN_PEERS[peer].rings
  if (peer === '' || ringCapacity(memory.length) === 0) return 0
  const header = ringHeader(memory)
  if (Atomics.load(header, MAGIC) !== RING_MAGIC) return 0
  return Atomics.load(header, CAPACITY) === ringCapacity(memory.length) ? 1 : 2
}

export function noRing(why: string): PendshareError {
  return new PendshareError('ERR_PENDSHARE_NO_RING', `there is no ring: ${why}`)
}
