/**
 * An open device of the Linux driver. It keeps the memory of every share until its end was delivered, and drops
 * what the driver had fetched of a share that this device has ended itself meanwhile.
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
import { LiveTable } from '@pendshare/core/live'
import type { Addon, NativeDevice, NativeInfo } from './addon.ts'
import { failure, notifyError, requestError, shareError } from './errors.ts'

/** From here on pinning takes longer than a turn of the event loop should. */
const LARGE_BYTES = 1024 * 1024

/** Events fetched in one go. */
const BATCH = 512

const SUPPORTS: Supports = Object.freeze({
  memlock: true,
  deadline: true,
  removal: true,
  ownerExit: true,
  event: true,
  liveMemory: true,
})

/** A reaction to it is a microtask, at a quarter of the price of Node's queueMicrotask(). */
const NOW = Promise.resolve()

export class LinuxDevice implements BackendDevice {
  readonly info: DeviceInfo
  readonly supports = SUPPORTS
  readonly #addon: Addon
  readonly #native: NativeDevice
  readonly #sink: EventSink
  /** They keep the memory. The waiter refers to this device while any is live, so the garbage collector ends none. */
  readonly #leases = new LiveTable<ShareRequest>()
  readonly #slots: Float64Array
  readonly #access: Readonly<Record<Access, number>>
  readonly #over = Promise.withResolvers<void>()
  readonly #pinning = new Set<Promise<void>>()
  /** Ends that came back from the calls that caused them, until the next microtask tells them. */
  #ended: BackendEvent[] | undefined
  #referenced = false
  #unheld: NodeJS.Immediate | undefined
  readonly #unhold = (): void => {
    this.#unheld = undefined
    if (!this.#referenced) this.#native.hold(false)
  }

  /** `undefined`: the native device was opened to be polled, and cannot be. Throws what `NativeDevice.start()` does. */
  static start(
    addon: Addon,
    native: NativeDevice,
    info: NativeInfo,
    sink: EventSink,
  ): LinuxDevice | undefined {
    const device = new LinuxDevice(addon, native, info, sink)
    const started = native.start(device.#slots, (count, over) => device.#wake(count, over))
    return started ? device : undefined
  }

  private constructor(addon: Addon, native: NativeDevice, info: NativeInfo, sink: EventSink) {
    this.#addon = addon
    this.#native = native
    this.#sink = sink
    this.#slots = new Float64Array(BATCH * addon.eventFields)
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
    const { id, memory, peer, event, label, deadlineMs = 0 } = request
    // Before the request: events may come before its answer.
    this.#leases.add(request)
    const access = this.#access[request.access]
    let error: number
    if (memory.byteLength > LARGE_BYTES) return this.#shareOnPool(request, access)
    if (peer === '' && event === undefined) error = this.#native.share(id, memory, access, label, deadlineMs)
    else {
      const { peerOptions } = request
      error = this.#native.share(id, memory, access, label, deadlineMs, peer, peerOptions, event)
    }
    if (error !== 0) throw this.#refused(request, error)
  }

  end(id: ShareId, how: 'release' | 'cancel'): boolean {
    const lease = this.#leases.get(id)
    if (lease === undefined) return false
    const flags = isSlow(lease) ? this.#addon.abi.PENDSHARE_END_NOWAIT : 0
    const error = how === 'release' ? this.#native.release(id, flags) : this.#native.cancel(id, flags)
    if (error !== 0) return false
    if (flags === 0) this.#tellSoon(this.#readEnd(0))
    return true
  }

  notify(id: ShareId): void {
    const number = this.#native.notify(id)
    if (number === 0) return
    const { ENOENT, EALREADY, ENODEV, ESHUTDOWN } = this.#addon.errno
    if (number === ENOENT || number === EALREADY || number === ENODEV || number === ESHUTDOWN) return
    throw notifyError(this.#addon, number)
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
    const error = this.#native.shutdown()
    if (error !== 0) throw requestError(this.#addon, error, 'close()')
    await this.#over.promise
    await Promise.allSettled(this.#pinning)
    this.#native.close()
  }

  #shareOnPool(request: ShareRequest, access: number): Promise<void> {
    const { id, memory, label, deadlineMs = 0, peer, peerOptions, event } = request
    const pinning = this.#native
      .shareOnPool(id, memory, access, label, deadlineMs, peer, peerOptions, event)
      .then((error) => {
        this.#pinning.delete(pinning)
        if (error !== 0) throw this.#refused(request, error)
      })
    this.#pinning.add(pinning)
    return pinning
  }

  #refused(request: ShareRequest, error: number): Error {
    this.#leases.delete(request.id)
    return shareError(this.#addon, error, request, this.info.pageSize)
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
    if (over) this.#over.resolve()
    if (events.length > 0) this.#sink(events)
  }

  /** Adds the event in slot `i`, unless its share has ended: an END can overtake a doorbell on the waiter's way. */
  #read(i: number, events: BackendEvent[]): void {
    const { abi } = this.#addon
    const at = i * this.#addon.eventFields
    const id = this.#slot(at)
    const kind = this.#slot(at + 1)
    const value = this.#slot(at + 3)
    if (kind === abi.PENDSHARE_EVENT_REMOVED) events.push({ id: 0, kind: 'removed' })
    else if (this.#leases.get(id) === undefined) return
    else if (kind === abi.PENDSHARE_EVENT_DOORBELL) events.push({ id, kind: 'doorbell', count: value })
    else if (kind === abi.PENDSHARE_EVENT_RECALL) events.push({ id, kind: 'recall', graceMs: value })
    else if (kind === abi.PENDSHARE_EVENT_END) events.push(this.#readEnd(at))
  }

  #readEnd(at: number): BackendEvent {
    const id = this.#slot(at)
    const reason = END_REASONS[this.#slot(at + 2) - 1] ?? 'failed'
    const bytes = this.#slot(at + 3)
    this.#leases.delete(id)
    return reason === 'failed'
      ? { id, kind: 'end', reason, bytes, error: failure(this.#addon, this.#slot(at + 4)) }
      : { id, kind: 'end', reason, bytes }
  }

  /** Only for the slots of events that the addon has counted. */
  #slot(index: number): number {
    return this.#slots[index] as number
  }
}

/** Ending it may take long, so no call waits for it: a peer has to let go, or many pages are to be unpinned. */
function isSlow({ memory, peer }: ShareRequest): boolean {
  return peer !== '' || memory.byteLength > LARGE_BYTES
}
