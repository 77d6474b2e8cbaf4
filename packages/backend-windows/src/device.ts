/**
 * An open device of the Windows driver. The request is pended from the start, so `share()` is settled by an event: by
 * ACCEPTED, or by the request's own completion, which tells whether it had been accepted. The memory of every
 * share is kept until that completion was delivered.
 */
import {
  type Access,
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
import type { Addon, NativeDevice, NativeInfo, NativeShare } from './addon.ts'
import { failure, notifyError, requestError, shareError } from './errors.ts'

/** From here on pinning takes longer than a turn of the event loop should. */
const LARGE_BYTES = 1024 * 1024

/** Events fetched in one go; events.h's kCapacity. */
const BATCH = 512

/** No `memlock`: Windows bounds what can be locked in all, and no limit of a process that could be told. */
const SUPPORTS: Supports = Object.freeze({
  memlock: false,
  deadline: true,
  removal: true,
  ownerExit: true,
  event: true,
  liveMemory: true,
})

interface Lease {
  /** Keeps the memory alive. */
  readonly request: ShareRequest
  /** Settles `share()`; a second call has no effect. */
  readonly accepted: () => void
  readonly refused: (error: Error) => void
  recalled: boolean
  /** Requested by a thread of the pool. */
  readonly pooled: boolean
}

interface EndPacket {
  readonly id: ShareId
  readonly reason: number
  readonly bytes: number
  readonly fault: number
}

export class WindowsDevice implements BackendDevice {
  readonly info: DeviceInfo
  readonly supports = SUPPORTS
  readonly #addon: Addon
  readonly #native: NativeDevice
  readonly #sink: EventSink
  /** The waiter refers to this device while any share is live, so the garbage collector ends none. */
  readonly #leases = new Map<ShareId, Lease>()
  readonly #slots: Float64Array
  readonly #over = Promise.withResolvers<void>()
  /** What `share()` has returned and not settled. */
  readonly #sharing = new Set<Promise<void>>()
  /** Ends that wait for a barrier each, in the order of these. */
  readonly #late: EndPacket[] = []

  /** Throws what `NativeDevice.start()` does. */
  static start(addon: Addon, native: NativeDevice, info: NativeInfo, sink: EventSink): WindowsDevice {
    const device = new WindowsDevice(addon, native, info, sink)
    native.start(device.#slots, (count, over) => device.#wake(count, over))
    return device
  }

  private constructor(addon: Addon, native: NativeDevice, info: NativeInfo, sink: EventSink) {
    this.#addon = addon
    this.#native = native
    this.#sink = sink
    this.#slots = new Float64Array(BATCH * addon.eventFields)
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

  share(request: ShareRequest): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    // Before the request: events may come before its answer.
    const pooled = request.memory.byteLength > LARGE_BYTES
    this.#leases.set(request.id, { request, accepted: resolve, refused: reject, recalled: false, pooled })
    const native: NativeShare = [
      request.id,
      request.memory,
      this.#access(request.access),
      request.peer,
      request.peerOptions,
      request.event,
      request.label,
      request.deadlineMs ?? 0,
    ]
    const issued = (status: number) => {
      if (isError(status)) this.#refused(request.id, status)
    }
    if (pooled) this.#native.shareOnPool(...native).then(issued)
    else issued(this.#native.share(...native))
    const settled = promise.finally(() => this.#sharing.delete(settled))
    this.#sharing.add(settled)
    return settled
  }

  end(id: ShareId, how: 'release' | 'cancel'): boolean {
    return this.#leases.has(id) && this.#native.end(id, how === 'cancel') === 0
  }

  notify(id: ShareId): void {
    const number = this.#native.notify(id)
    if (number === 0) return
    const { STATUS_NOT_FOUND, STATUS_REQUEST_NOT_ACCEPTED, STATUS_DEVICE_REMOVED, STATUS_PIPE_CLOSING } =
      this.#addon.status
    if (number === STATUS_NOT_FOUND || number === STATUS_REQUEST_NOT_ACCEPTED) return
    if (number === STATUS_DEVICE_REMOVED || number === STATUS_PIPE_CLOSING) return
    throw notifyError(this.#addon, number)
  }

  stats(): BackendStats {
    const { shares, pinnedPages, totalPinnedPages } = this.#native.info()
    return { shares, pinnedPages, totalPinnedPages }
  }

  ref(): void {
    this.#native.hold(true)
  }

  unref(): void {
    this.#native.hold(false)
  }

  async close(): Promise<void> {
    const status = this.#native.shutdown()
    if (status !== 0) throw requestError(this.#addon, status, 'close()')
    await this.#over.promise
    await Promise.allSettled(this.#sharing)
    this.#native.close()
  }

  #access(access: Access): number {
    const { PENDSHARE_ACCESS_READ: read, PENDSHARE_ACCESS_WRITE: write } = this.#addon.abi
    return access === 'read' ? read : access === 'write' ? write : read | write
  }

  #refused(id: ShareId, status: number): void {
    const lease = this.#leases.get(id)
    if (lease === undefined) return
    this.#leases.delete(id)
    lease.refused(shareError(this.#addon, status, lease.request))
  }

  #wake(count: number, over: boolean): void {
    const events: BackendEvent[] = []
    for (let i = 0; i < count; i++) this.#read(i, events)
    if (over) {
      // PEND has brought its last.
      for (const end of this.#late.splice(0)) this.#ended(end, events)
      this.#over.resolve()
    }
    if (events.length > 0) this.#sink(events)
  }

  #read(i: number, events: BackendEvent[]): void {
    const { abi, refusedKind, barrierKind } = this.#addon
    const at = i * this.#addon.eventFields
    const id = this.#slot(at)
    const kind = this.#slot(at + 1)
    const reason = this.#slot(at + 2)
    const value = this.#slot(at + 3)
    if (kind === abi.PENDSHARE_EVENT_ACCEPTED) this.#leases.get(id)?.accepted()
    else if (kind === refusedKind) this.#refused(id, reason)
    else if (kind === abi.PENDSHARE_EVENT_DOORBELL) events.push({ id, kind: 'doorbell', count: value })
    else if (kind === abi.PENDSHARE_EVENT_RECALL) this.#recalled(id, value, events)
    else if (kind === abi.PENDSHARE_EVENT_END)
      this.#cameBack({ id, reason, bytes: value, fault: this.#slot(at + 4) }, events)
    else if (kind === barrierKind) {
      const end = this.#late.shift()
      if (end !== undefined) this.#ended(end, events)
    } else if (kind === abi.PENDSHARE_EVENT_REMOVED) events.push({ id: 0, kind: 'removed' })
  }

  /** Only for the slots of events that the addon has counted. */
  #slot(index: number): number {
    return this.#slots[index] as number
  }

  #recalled(id: ShareId, graceMs: number, events: BackendEvent[]): void {
    const lease = this.#leases.get(id)
    if (lease !== undefined) lease.recalled = true
    events.push({ id, kind: 'recall', graceMs })
  }

  /**
   * A request can come back by the thread that issued it, as all do under Wine: a pool thread's then overtakes what PEND, which is this
   * thread's, has told before. Whatever this thread was to be told has reached the port by now, so it comes before a barrier.
   */
  #cameBack(end: EndPacket, events: BackendEvent[]): void {
    if (this.#leases.get(end.id)?.pooled && this.#native.barrier()) this.#late.push(end)
    else this.#ended(end, events)
  }

  #ended({ id, reason: number, bytes, fault }: EndPacket, events: BackendEvent[]): void {
    const lease = this.#leases.get(id)
    const reason = END_REASONS[number - 1] ?? 'failed'
    lease?.accepted()
    // An end does not wait for news of its share: where the grace has passed already, it says all.
    if (reason === 'recalled' && !lease?.recalled) this.#recalled(id, 0, events)
    this.#leases.delete(id)
    events.push(
      reason === 'failed'
        ? { id, kind: 'end', reason, bytes, error: failure(this.#addon, fault) }
        : { id, kind: 'end', reason, bytes },
    )
  }
}

/** Severity error: no packet of this request will come. */
function isError(status: number): boolean {
  return status >= 0xc0000000
}
