/** Where a peer is plugged into a share: what it may do to it, until detach and unmapping take that away. */
import type { Access, PendshareError, ShareId } from '@pendshare/core'
import { refusal } from '../refusal.ts'
import type { Task } from '../scheduler/scheduler.ts'
import { KernelFrames, type PeerFrames } from './frames.ts'
import type { PeerHost } from './host.ts'
import type { Attachment, MockPeer, PeerShare } from './peer.ts'
import { Steps } from './steps.ts'

export const MIN_PERIOD_NS = 50_000
export const MAX_PERIOD_NS = 3_600_000_000_000

export class PeerPort implements PeerShare {
  readonly #share: PeerHost
  readonly #peer: MockPeer
  #memory: Uint8Array | undefined
  #attachment: Attachment | undefined
  #frames: PeerFrames | undefined
  readonly #steps: Steps
  #written = 0
  #periodNs = 0

  constructor(share: PeerHost, peer: MockPeer) {
    const { buffer, byteOffset, byteLength } = share.request.memory
    this.#share = share
    this.#peer = peer
    this.#memory = new Uint8Array(buffer, byteOffset, byteLength)
    this.#steps = new Steps(share)
  }

  get id(): ShareId {
    return this.#share.id
  }

  get label(): string {
    return this.#share.request.label
  }

  get access(): Access {
    return this.#share.request.access
  }

  get options(): Uint8Array {
    return this.#share.request.peerOptions
  }

  reply(bytes: Uint8Array): void {
    const { reply } = this.#share.request
    if (reply !== undefined && this.#attachment === undefined) reply.set(bytes.subarray(0, reply.length))
  }

  get length(): number {
    return this.#share.request.memory.byteLength
  }

  get memory(): Uint8Array {
    if (this.#memory === undefined) {
      throw new Error(`peer ${this.#peer.name} touches the memory of share ${this.id} after it was unmapped`)
    }
    return this.#memory
  }

  get ending(): boolean {
    return this.#share.lease.reason !== undefined
  }

  frames({ playback }: { readonly playback: boolean }): PeerFrames {
    const { frames } = this.#share.request
    if (frames === undefined || this.#frames !== undefined) {
      throw refusal('EINVAL', `The share ${this.id} has no frames to lay out, or they are.`)
    }
    const pageSize = this.#share.driver.pages.size
    this.#frames = new KernelFrames(this, { ...frames, pageSize, playback })
    return this.#frames
  }

  get bytes(): number {
    return this.#written
  }

  written(bytes: number): void {
    if (this.#memory !== undefined) this.#written = Math.max(this.#written, Math.min(bytes, this.length))
  }

  ring(): void {
    if (this.#memory !== undefined) this.#share.file.events.ring(this.id)
  }

  wake(): void {
    if (this.#memory !== undefined) this.#steps.wake()
  }

  after(ns: number): void {
    this.#giveTimer()
    if (this.#memory !== undefined) this.#steps.after(ns)
  }

  every(periodNs: number): void {
    if (!(periodNs >= MIN_PERIOD_NS && periodNs <= MAX_PERIOD_NS)) {
      throw refusal('EINVAL', `A period is ${MIN_PERIOD_NS} to ${MAX_PERIOD_NS} ns, not ${periodNs}.`)
    }
    this.#giveTimer()
    if (this.#memory === undefined) return
    this.#share.driver.quota.takeTimer(periodNs)
    this.#periodNs = periodNs
    this.#steps.every(periodNs)
  }

  /** Only a periodic timer counts against the quota. */
  #giveTimer(): void {
    this.#steps.stop()
    if (this.#periodNs > 0) this.#share.driver.quota.giveTimer(this.#periodNs)
    this.#periodNs = 0
  }

  hold(): (() => void) | undefined {
    if (!this.#share.lease.get()) return undefined
    let held = true
    return () => {
      if (held) this.#share.put()
      held = false
    }
  }

  end(): void {
    this.#share.cancel('peer-ended')
  }

  fail(error: PendshareError): void {
    this.#share.fail(error)
  }

  recall(graceMs: number): void {
    this.#share.recall(graceMs)
  }

  attach(): void {
    this.#attachment = this.#peer.attach(this)
    this.#steps.start(this.#attachment)
  }

  notify(): void {
    if (this.#attachment?.notify === undefined) {
      throw refusal('EOPNOTSUPP', `The peer ${this.#peer.name} takes no notifications.`)
    }
    this.#steps.notify()
  }

  /** False when no step of the peer is under way; else `waiter` runs as soon as that one is over. */
  busy(waiter: Task): boolean {
    return this.#steps.busy(waiter)
  }

  detach(): void {
    this.#steps.stop()
    try {
      this.#attachment?.detach?.()
    } catch (error) {
      // Ending never fails. A peer that does is a mistake of the test's, which must not go unseen.
      queueMicrotask(() => {
        throw error
      })
    }
  }

  unmap(): void {
    this.#giveTimer()
    this.#memory = undefined
  }
}
