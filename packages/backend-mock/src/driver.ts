/** The driver: what all its open files share. */
import type { ShareRequest } from '@pendshare/core'
import { Faults } from './faults.ts'
import { Pages } from './pages.ts'
import type { MockPeer } from './peers/peer.ts'
import { Quota } from './quota.ts'
import { refusal } from './refusal.ts'
import type { Scheduler } from './scheduler/scheduler.ts'

export const MAX_BYTES = 2 ** 40

/** What the user may have, over all devices of the driver, and in which pages. The defaults are those of the Linux driver. */
export interface Limits {
  /** Bytes of a page, a power of two. Default: 4096; Linux on arm64 may have 16384 or 65536. */
  readonly pageSize: number
  /** Bytes of memory that may be pinned. Default: 8 MiB. */
  readonly memlockBytes: number
  /** Live shares. Default: 16384. */
  readonly maxShares: number
  /** Ticks a second of the timers of all peers. Default: 100000. */
  readonly maxTicksPerSecond: number
}

export class Driver {
  readonly scheduler: Scheduler
  readonly faults = new Faults()
  readonly pages: Pages
  readonly quota: Quota
  readonly #peers: ReadonlyMap<string, MockPeer>

  constructor(scheduler: Scheduler, limits: Limits, peers: readonly MockPeer[]) {
    this.scheduler = scheduler
    this.pages = new Pages(limits.memlockBytes, limits.pageSize)
    this.quota = new Quota(limits.maxShares, limits.maxTicksPerSecond)
    this.#peers = new Map(peers.map((peer) => [peer.name, peer]))
  }

  get peerNames(): readonly string[] {
    return [...this.#peers.keys()]
  }

  peer({ peer: name, access, frames }: ShareRequest): MockPeer {
    const peer = this.#peers.get(name)
    if (peer === undefined) {
      throw refusal('ENOENT', `There is no peer "${name}"; there are ${this.peerNames.join(', ')}.`)
    }
    const needed = peer.access ?? access
    if (access !== 'readwrite' && access !== needed) {
      throw refusal('EINVAL', `The peer ${name} needs access '${needed}', and the share grants '${access}'.`)
    }
    if ((peer.frames ?? false) !== (frames !== undefined)) {
      const speaks = peer.frames ? 'speaks frames, and the share has none' : 'speaks no frames'
      throw refusal('EINVAL', `The peer ${name} ${speaks}.`)
    }
    return peer
  }
}
