/**
 * An open device over a port. It keeps the memory of every share until its end was delivered, and drops what the driver
 * had told of a share that this device has ended itself meanwhile.
 */
import { performance } from 'node:perf_hooks' // the global one is a getter
import {
  type Access,
  type AddonOrigin,
  type BackendDevice,
  type BackendEvent,
  type BackendStats,
  type DeviceInfo,
  END_REASONS,
  type EventSink,
  type ShareId,
  type ShareRequest,
  type Supports,
} from '@pendshare/core'
import { LiveTable } from '@pendshare/core/live'
import type { Addon, NativeDevice, NativeInfo } from './addon.ts'
import type { Errors } from './errors.ts'

/** From here on pinning may take longer than a turn of the event loop should. */
const LARGE_BYTES = 1024 * 1024
/** Longer than this it should not. Memory that was pinned faster than that is pinned in the event loop the next time. */
const TURN_MS = 1

/** A reaction to it is a microtask, at a quarter of the price of Node's queueMicrotask(). */
const NOW = Promise.resolve()

export interface Parts {
  readonly addon: Addon
  readonly origin: AddonOrigin
  readonly native: NativeDevice
  readonly info: NativeInfo
  readonly errors: Errors
  readonly supports: Supports
}

/** An END as it lies in the slots, for one that has to wait. */
interface RawEnd {
  readonly id: ShareId
  readonly reason: number
  readonly bytes: number
  readonly failure: number
}

export class NativeBackendDevice implements BackendDevice {
  readonly info: DeviceInfo
  readonly supports: Supports
  readonly addon: AddonOrigin
  readonly #addon: Addon
  readonly #native: NativeDevice
  readonly #errors: Errors
  readonly #sink: EventSink
  /** They keep the memory. The waiter refers to this device while any is live, so the garbage collector ends none. */
  readonly #leases = new LiveTable<ShareRequest>()
  readonly #slots: Float64Array
  readonly #eventFields: number
  readonly #kinds: Kinds
  readonly #access: Readonly<Record<Access, number>>
  /** PEND has told all. Ends that it has overtaken are still to come. */
  #over = false
  readonly #drained = Promise.withResolvers<void>()
  /** How long the driver took at last to pin memory that is large and has been made ready for it. */
  readonly #pinMs = new WeakMap<Uint8Array, number>()
  /** On a thread of the pool. */
  readonly #pinning = new Set<Promise<void>>()
  /** What `share()` has returned and not settled. */
  readonly #asked = new Map<ShareId, PromiseWithResolvers<void>>()
  readonly #recalled = new Set<ShareId>()
  /** Ends that came back from the calls that caused them, until the next microtask tells them. */
  #ended: BackendEvent[] | undefined
  /** Ends that wait for a barrier each, in the order of these. */
  readonly #late: RawEnd[] = []
  #referenced = false
  #unheld: NodeJS.Immediate | undefined
  readonly #unhold = (): void => {
    this.#unheld = undefined
    if (!this.#referenced) this.#native.hold(false)
  }

  /** `undefined`: the native device was opened to be polled, and cannot be. Throws what `NativeDevice.start()` does. */
  static start(parts: Parts, sink: EventSink): NativeBackendDevice | undefined {
    const device = new NativeBackendDevice(parts, sink)
    const started = parts.native.start(device.#slots, (count, over) => device.#wake(count, over))
    return started ? device : undefined
  }

  private constructor({ addon, origin, native, info, errors, supports }: Parts, sink: EventSink) {
    this.addon = origin
    this.#addon = addon
    this.#native = native
    this.#errors = errors
    this.#sink = sink
    this.supports = supports
    this.#slots = new Float64Array(addon.batch * addon.eventFields)
    this.#eventFields = addon.eventFields
    this.#kinds = kindsOf(addon)
    const { PENDSHARE_ACCESS_READ: read, PENDSHARE_ACCESS_WRITE: write } = addon.abi
    this.#access = { read, write, readwrite: read | write }
    const { abi, version, peers, pageSize, maxBytes, maxShares, minPeriodNs } = info
    this.info = Object.freeze({
      abi,
      version: `${version >> 16}.${(version >> 8) & 0xff}.${version & 0xff}`,
      peers: Object.freeze([...peers]),
      pageSize,
      maxBytes,
      maxShares,
      minPeriodNs,
    })
  }

  share(request: ShareRequest): void | Promise<void> {
    const { id, memory, peer, event, frames, label, deadlineMs = 0 } = request
    // Before the request: events may come before its answer.
    this.#leases.add(request)
    const large = isLarge(request)
    if (large && this.#isSlow(request)) return this.#shareOnPool(request)
    const access = this.#access[request.access]
    const start = large ? performance.now() : 0
    let status: number
    if (peer !== '' || event !== undefined || frames !== undefined)
      status = this.#native.share(id, memory, access, label, deadlineMs, ...peerOf(request))
    else if (label !== '' || deadlineMs > 0)
      status = this.#native.share(id, memory, access, label, deadlineMs)
    else status = this.#native.share(id, memory, access)
    if (large && this.#isAccepted(status)) this.#pinMs.set(memory, performance.now() - start)
    if (status === 0) return
    if (status === this.#addon.pending) return this.#ask(id)
    throw this.#refused(request, status)
  }

  end(id: ShareId, how: 'release' | 'cancel'): boolean {
    const lease = this.#leases.get(id)
    if (lease === undefined) return false
    // A peer has to let go first, and many pages are to be unpinned: no call waits for that.
    const wait = lease.peer === '' && !this.#isSlow(lease)
    const status = how === 'release' ? this.#native.release(id, wait) : this.#native.cancel(id, wait)
    if (status !== 0) return false
    if (wait && this.#slot(1) === this.#kinds.end) this.#tellSoon(this.#readEnd(0))
    return true
  }

  notify(id: ShareId): void {
    const status = this.#native.notify(id)
    if (status === 0) return
    const error = this.#errors.ofNotify(status)
    if (error !== undefined) throw error
  }

  stats(): BackendStats {
    const { shares, pinnedPages, totalPinnedPages } = this.#native.info()
    return { shares, pinnedPages, totalPinnedPages }
  }

  ref(): void {
    this.#referenced = true
    if (this.#unheld === undefined) this.#native.hold(true)
  }

  /** Tells the waiter a turn later: each word to it is a call, and shares often follow one another. */
  unref(): void {
    this.#referenced = false
    this.#unheld ??= setImmediate(this.#unhold)
  }

  async close(): Promise<void> {
    const status = this.#native.shutdown()
    if (status !== 0) throw this.#errors.ofRequest(status, 'close()')
    await this.#drained.promise
    await Promise.allSettled(this.#pinning)
    this.#native.close()
  }

  /** Or may be yet: what has been pinned is. */
  #isAccepted(status: number): boolean {
    return status === 0 || status === this.#addon.pending
  }

  /** Pinning it takes longer than a turn of the event loop should, as far as is known, and so does unpinning. */
  #isSlow(request: ShareRequest): boolean {
    return isLarge(request) && (this.#pinMs.get(request.memory) ?? Number.POSITIVE_INFINITY) > TURN_MS
  }

  /** Settled by `#accepted()` or `#deny()`, by the answer of the pool or by an event, whichever comes first. */
  #ask(id: ShareId): Promise<void> {
    const asked = Promise.withResolvers<void>()
    this.#asked.set(id, asked)
    return asked.promise
  }

  #accepted(id: ShareId): void {
    if (this.#asked.size === 0) return
    this.#asked.get(id)?.resolve()
    this.#asked.delete(id)
  }

  #deny(id: ShareId, status: number): void {
    const request = this.#leases.get(id)
    if (request === undefined) return
    this.#asked.get(id)?.reject(this.#refused(request, status))
    this.#asked.delete(id)
  }

  #shareOnPool(request: ShareRequest): Promise<void> {
    const { id, memory, label, deadlineMs = 0 } = request
    const access = this.#access[request.access]
    const asked = this.#ask(id)
    const first = !this.#pinMs.has(memory)
    const pinning = this.#native
      .shareOnPool(first, id, memory, access, label, deadlineMs, ...peerOf(request))
      .then(([status, pinMs]) => {
        if (this.#isAccepted(status)) this.#pinMs.set(memory, pinMs)
        this.#pinning.delete(pinning)
        if (status === 0) this.#accepted(id)
        else if (status !== this.#addon.pending) this.#deny(id, status)
      })
    this.#pinning.add(pinning)
    return asked
  }

  #refused(request: ShareRequest, status: number): Error {
    this.#leases.delete(request.id)
    this.#lookWhetherDrained()
    return this.#errors.ofShare(status, request, this.info.pageSize)
  }

  #tellSoon(end: BackendEvent): void {
    if (this.#ended !== undefined) {
      this.#ended.push(end)
      return
    }
    const events = [end]
    this.#ended = events
    NOW.then(() => {
      this.#ended = undefined
      this.#sink(events)
    })
  }

  #wake(count: number, over: boolean): void {
    const events: BackendEvent[] = []
    for (let i = 0; i < count; i++) this.#read(i, events)
    if (over) {
      // The driver has told its last: there is nothing for a barrier to wait for.
      for (const end of this.#late.splice(0)) this.#addEnd(end, events)
      this.#over = true
    }
    this.#lookWhetherDrained()
    if (events.length > 0) this.#sink(events)
  }

  /** Every share was accepted, and its end told, or refused: of those that are left one of the two is certain to come. */
  #lookWhetherDrained(): void {
    if (this.#over && this.#leases.size === 0) this.#drained.resolve()
  }

  /** Adds the event in slot `i`, unless its share has ended: an END can overtake a doorbell on the waiter's way. */
  #read(i: number, events: BackendEvent[]): void {
    const kinds = this.#kinds
    const at = i * this.#eventFields
    const id = this.#slot(at)
    const kind = this.#slot(at + 1)
    const value = this.#slot(at + 3)
    if (kind === kinds.removed) events.push({ id: 0, kind: 'removed' })
    else if (kind === kinds.barrier) this.#passBarrier(events)
    else if (this.#leases.get(id) === undefined) return
    else if (kind === kinds.doorbell) events.push({ id, kind: 'doorbell', count: value })
    else if (kind === kinds.accepted) this.#accepted(id)
    else if (kind === kinds.recall) this.#addRecall(id, value, events)
    else if (kind === kinds.end) this.#addEnd(this.#rawEnd(at), events)
    else if (kind === kinds.lateEnd) this.#late.push(this.#rawEnd(at))
    else if (kind === kinds.refused) this.#deny(id, this.#slot(at + 2))
  }

  #addRecall(id: ShareId, graceMs: number, events: BackendEvent[]): void {
    this.#recalled.add(id)
    events.push({ id, kind: 'recall', graceMs })
  }

  #passBarrier(events: BackendEvent[]): void {
    const end = this.#late.shift()
    if (end !== undefined) this.#addEnd(end, events)
  }

  #addEnd(end: RawEnd, events: BackendEvent[]): void {
    const { id } = end
    this.#accepted(id)
    const event = this.#toEnd(end)
    // An end does not wait for news of its share: where the grace has passed already, it says all.
    if (event.reason === 'recalled' && !this.#recalled.has(id))
      events.push({ id, kind: 'recall', graceMs: 0 })
    if (this.#recalled.size > 0) this.#recalled.delete(id)
    events.push(event)
  }

  #rawEnd(at: number): RawEnd {
    const id = this.#slot(at)
    return { id, reason: this.#slot(at + 2), bytes: this.#slot(at + 3), failure: this.#slot(at + 4) }
  }

  #readEnd(at: number) {
    return this.#toEnd(this.#rawEnd(at))
  }

  #toEnd({ id, reason: number, bytes, failure }: RawEnd) {
    const reason = END_REASONS[number - 1] ?? 'failed'
    this.#leases.delete(id)
    return reason === 'failed'
      ? ({ id, kind: 'end', reason, bytes, error: this.#errors.ofFailure(failure) } as const)
      : ({ id, kind: 'end', reason, bytes } as const)
  }

  /** Only for the slots of events that the addon has counted. */
  #slot(index: number): number {
    return this.#slots[index] as number
  }
}

type Kinds = ReturnType<typeof kindsOf>

/** A literal, as what the addon exports has so many properties that V8 looks each of them up in a table. */
function kindsOf({ abi, refusedKind, lateEndKind, barrierKind }: Addon) {
  return {
    doorbell: abi.PENDSHARE_EVENT_DOORBELL,
    end: abi.PENDSHARE_EVENT_END,
    recall: abi.PENDSHARE_EVENT_RECALL,
    removed: abi.PENDSHARE_EVENT_REMOVED,
    accepted: abi.PENDSHARE_EVENT_ACCEPTED,
    refused: refusedKind,
    lateEnd: lateEndKind,
    barrier: barrierKind,
  }
}

const NO_REPLY = new Uint8Array(0)

function peerOf({ peer, peerOptions, event, frames, reply = NO_REPLY }: ShareRequest) {
  return [peer, peerOptions, event, frames?.count ?? 0, frames?.bytes ?? 0, reply] as const
}

function isLarge({ memory }: ShareRequest): boolean {
  return memory.byteLength > LARGE_BYTES
}
