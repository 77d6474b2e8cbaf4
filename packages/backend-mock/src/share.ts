/**
 * One pended request: what it holds, taken by Setup and given back by Teardown in the reverse order. The lease decides
 * when: whoever drops its last reference lets the teardown go on.
 */
import { type EndReason, PendshareError, type ShareId, type ShareRequest } from '@pendshare/core'
import type { Driver } from './driver.ts'
import type { EventStream } from './events.ts'
import { Lease } from './lease.ts'
import { PIN_CHUNK } from './pages.ts'
import type { PeerHost } from './peers/host.ts'
import type { MockPeer } from './peers/peer.ts'
import { PeerPort } from './peers/port.ts'
import type { PendQueue } from './queue.ts'
import { refusal } from './refusal.ts'
import { OneStep, type Task, type Timer } from './scheduler/scheduler.ts'

const NS_PER_MS = 1e6

/** What a share needs of the open file that it belongs to. */
export interface ShareHost {
  readonly driver: Driver
  readonly queue: PendQueue<Share>
  readonly events: EventStream
  /** Pages pinned by this file now. */
  pinned: number
  /** A share of this file keeps the event loop alive. */
  readonly referenced: boolean
  /** Throws unless this file takes requests. */
  admits(): void
}

export class Share implements PeerHost {
  readonly request: ShareRequest
  readonly file: ShareHost
  readonly driver: Driver
  readonly pages: number
  readonly lease = new Lease()
  readonly teardown = new Teardown(this)
  /** Absent when no peer was asked for: the memory is only pinned. */
  port: PeerPort | undefined
  /** With the reason `failed`. */
  failure: PendshareError | undefined
  #inQuota = false
  #charged = 0
  #pinned = 0
  #parked = false
  /** The deadline, or the end of a recall's grace if that comes first. */
  #expiry: Timer | undefined
  #expires: number | undefined

  constructor(file: ShareHost, request: ShareRequest) {
    this.file = file
    this.driver = file.driver
    this.request = request
    this.pages = request.memory.byteLength / file.driver.pages.size
  }

  get id(): ShareId {
    return this.request.id
  }

  takeQuota(): void {
    this.driver.faults.pass('quota')
    this.driver.quota.takeShare()
    this.#inQuota = true
  }

  charge(): void {
    this.driver.faults.pass('charge')
    this.driver.pages.charge(this.pages)
    this.#charged = this.pages
  }

  /** Pins the next chunk. True: there are more. */
  pin(): boolean {
    this.driver.faults.pass('pin')
    const chunk = Math.min(PIN_CHUNK, this.pages - this.#pinned)
    this.driver.pages.pin(chunk)
    this.file.pinned += chunk
    this.#pinned += chunk
    return this.#pinned < this.pages
  }

  map(peer: MockPeer): void {
    this.driver.faults.pass('map')
    this.port = new PeerPort(this, peer)
  }

  /**
   * Attaches the peer and parks the request, in one step, so that whatever ends the file either sees the share or
   * comes first. A peer may end the share while it attaches: then the teardown begins here.
   */
  attach(): void {
    this.driver.faults.pass('attach')
    this.file.admits()
    this.#attachPeer()
    this.file.queue.park(this)
    this.#parked = true
    const { deadlineMs } = this.request
    if (deadlineMs !== undefined) this.#expireIn(deadlineMs, 'deadline')
    if (this.lease.reason !== undefined) this.#beginTeardown()
  }

  #attachPeer(): void {
    try {
      this.port?.attach()
    } catch (error) {
      throw error instanceof PendshareError ? error : peerFailed(this.request.peer, error)
    }
  }

  #expireIn(ms: number, reason: EndReason): void {
    const { scheduler } = this.driver
    const expires = scheduler.now() + ms * NS_PER_MS
    if (this.#expires !== undefined && expires >= this.#expires) return
    this.#expires = expires
    this.#expiry?.cancel()
    this.#expiry = scheduler.at(expires, new OneStep(`${reason} ${this.id}`, () => this.cancel(reason)))
  }

  recall(graceMs: number): void {
    if (this.lease.reason !== undefined) return
    this.file.events.push({ id: this.id, kind: 'recall', graceMs })
    this.#expireIn(graceMs, 'recalled')
  }

  /** The cancel routine. Callable anywhere: it only decides who won, and leaves the work to the teardown. */
  cancel(reason: EndReason): boolean {
    if (!this.lease.end(reason)) return false
    if (this.#parked) this.#beginTeardown()
    return true
  }

  fail(error: PendshareError): void {
    if (this.lease.reason === undefined) this.failure = error
    this.cancel('failed')
  }

  peerThrew(error: unknown): void {
    this.fail(error instanceof PendshareError ? error : peerFailed(this.request.peer, error))
  }

  #beginTeardown(): void {
    this.#expiry?.cancel()
    this.driver.scheduler.soon(this.teardown)
  }

  /** Gives back a reference that an access took; the last one resumes the teardown. */
  put(): void {
    if (this.lease.put()) this.driver.scheduler.soon(this.teardown)
  }

  notify(): void {
    if (this.lease.reason !== undefined) return
    if (this.port === undefined) throw refusal('EOPNOTSUPP', 'A share without a peer takes no notifications.')
    this.port.notify()
  }

  /** Undoes what of the set-up was done: nobody hears of a share that is refused. */
  unwind(): void {
    this.#expiry?.cancel()
    this.unmap()
    this.unpin()
    this.uncharge()
    this.file.events.drop(this.id)
  }

  unmap(): void {
    this.port?.unmap()
  }

  unpin(): void {
    this.driver.pages.unpin(this.#pinned)
    this.file.pinned -= this.#pinned
    this.#pinned = 0
  }

  uncharge(): void {
    this.driver.pages.uncharge(this.#charged)
    this.#charged = 0
    if (this.#inQuota) this.driver.quota.giveShare()
    this.#inQuota = false
  }

  publish(): void {
    const { reason } = this.lease
    const end = { id: this.id, kind: 'end', bytes: this.port?.bytes ?? 0 } as const
    if (reason !== undefined && reason !== 'failed') {
      this.file.events.push({ ...end, reason })
      return
    }
    // The teardown runs after an end only, and an end as failed has its failure.
    const error = this.failure ?? peerFailed(this.request.peer, reason)
    this.file.events.push({ ...end, reason: 'failed', error })
  }
}

const TEARDOWN: readonly (readonly [string, (share: Share) => void])[] = [
  ['unmap', (share) => share.unmap()],
  ['unpin', (share) => share.unpin()],
  ['uncharge', (share) => share.uncharge()],
  ['publish', (share) => share.publish()],
]

/**
 * Gives everything back, in the order of the real drivers: peer detach → unmap → unpin → uncharge → end event. It is
 * begun by the one caller that ended the lease and resumed by the one that dropped its last reference, so it
 * runs once; nothing touches the memory from `unmap` on, and the end comes after that.
 */
class Teardown implements Task {
  readonly #share: Share
  #detached = false
  #stage = 0

  constructor(share: Share) {
    this.#share = share
  }

  get label(): string {
    return `${this.#detached ? TEARDOWN[this.#stage]?.[0] : 'detach'} ${this.#share.id}`
  }

  step(): boolean {
    if (!this.#detached) return this.#detach()
    TEARDOWN[this.#stage]?.[1](this.#share)
    this.#stage += 1
    return this.#stage < TEARDOWN.length
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

function peerFailed(name: string, cause: unknown): PendshareError {
  return new PendshareError('ERR_PENDSHARE_PEER_FAILED', `The peer ${name} failed: ${String(cause)}`, {
    cause,
  })
}
