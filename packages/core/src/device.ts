/**
 * An open device: it owns the ids, keeps every live share (the garbage collector never ends a lease), hands the
 * backend's events to them, and drains them when it closes.
 */
import { setImmediate } from 'node:timers/promises'
import { AbortWatch } from './abort.ts'
import type {
  AddonOrigin,
  Backend,
  BackendDevice,
  BackendEvent,
  BackendStats,
  DeviceInfo,
  OpenRequest,
  Supports,
} from './contract.ts'
import { asPendshareError, PendshareError } from './errors.ts'
import { LiveTable } from './live.ts'
import { PendedShare, type ShareHost } from './pended-share.ts'
import { adopt, checkPages, lend, Region } from './region.ts'
import {
  bytesOf,
  DEFAULT_OPTIONS,
  type DefinedBytes,
  type DefinedOptions,
  parse,
  type ShareBytes,
  type ShareOptions,
  shareBytes,
  shareOptionsCheck,
} from './schemas.ts'
import type { Share } from './share.ts'

/** Which backend carries a device, why that one, and by which native code where it has any. */
export interface Choice {
  readonly backend: string
  readonly why: string
  readonly addon?: AddonOrigin
}

export type DeviceState = 'open' | 'removed' | 'closing' | 'closed'

/** An open device. Idle it does not keep the event loop alive; a live share does. */
export interface Device extends AsyncDisposable {
  readonly choice: Choice
  readonly info: DeviceInfo
  readonly supports: Supports
  readonly state: DeviceState
  /**
   * Lends memory to the kernel: a region, or new memory of `bytes` (whole pages, at most `info.maxBytes`), or as much as `frames` take.
   * Resolves when the driver has accepted. From the call until it rejects, or until `share.ended` settles, the kernel
   * may touch the memory.
   *
   * Rejects with the signal's reason when aborted before acceptance, and otherwise with a `PendshareError`:
   * `ERR_PENDSHARE_INVALID_ARGUMENT`, `…_UNALIGNED`, `…_TOO_LARGE`, `…_DETACHED`, `…_REGION_IN_USE`, `…_MEMLOCK`,
   * `…_QUOTA`, `…_NO_MEMORY`, `…_UNSUPPORTED_MEMORY`, `…_UNKNOWN_PEER`, `…_BAD_EVENT`, `…_CLOSED`, `…_REMOVED`,
   * `…_NOT_OWNER`, `…_SYSTEM`.
   */
  share<Input, Options, Reply>(
    region: Region,
    options: DefinedOptions<Input, Options, Reply>,
  ): Promise<Share<Reply>>
  share<Input, Options, Reply>(options: DefinedBytes<Input, Options, Reply>): Promise<Share<Reply>>
  share(region: Region, options?: ShareOptions): Promise<Share>
  share(options: ShareBytes): Promise<Share>
  /** The shares that have not ended, in the order of their ids. */
  shares(): readonly Share[]
  /**
   * What is live and pinned now.
   *
   * @throws PendshareError `ERR_PENDSHARE_CLOSED`
   */
  stats(): BackendStats
  /** Ends every share as `closed`; resolves when all have ended. May be called again. */
  close(): Promise<void>
}

export class OpenDevice implements Device, ShareHost {
  readonly choice: Choice
  readonly backend: BackendDevice
  readonly #live = new LiveTable<PendedShare>()
  readonly #signals = new AbortWatch()
  readonly #check: ReturnType<typeof shareOptionsCheck>
  readonly #pageSize: number
  readonly #maxBytes: number
  #state: DeviceState = 'open'
  #strayed = false
  #lastId = 0
  #holds = 0
  #closed: Promise<void> | undefined

  /** Opens `backend`. Events that come while it opens are kept until there is a device to take them. */
  static async open(backend: Backend, request: OpenRequest, why: string): Promise<OpenDevice> {
    const early: BackendEvent[] = []
    let receive = (events: readonly BackendEvent[]): void => {
      early.push(...events)
    }
    const opened = await backend.open(request, (events) => receive(events))
    const choice = { backend: backend.name, why, ...(opened.addon && { addon: opened.addon }) }
    const device = new OpenDevice(opened, Object.freeze(choice))
    receive = (events) => device.#receive(events)
    receive(early)
    return device
  }

  private constructor(backend: BackendDevice, choice: Choice) {
    this.backend = backend
    this.choice = choice
    this.#check = shareOptionsCheck(backend.info)
    this.#pageSize = backend.info.pageSize
    this.#maxBytes = backend.info.maxBytes
  }

  get info(): DeviceInfo {
    return this.backend.info
  }
  get supports(): Supports {
    return this.backend.supports
  }
  get state(): DeviceState {
    return this.#state
  }

  // biome-ignore lint/suspicious/noExplicitAny: the overloads of Device say what the reply is
  async share(target: object, given?: object): Promise<Share<any>> {
    this.#checkOpen()
    const share = this.#prepare(target, given)
    this.#live.add(share)
    if (share.signal !== undefined) this.#signals.add(share.signal, share)
    try {
      const pinning = this.backend.share(share.request)
      // The end may come before the answer, and then says all: it has been accepted.
      if (pinning !== undefined) await Promise.race([pinning, share.ended])
    } catch (cause) {
      const error = asPendshareError(cause, 'share()')
      share.refused(error)
      if (share.signal?.aborted) throw share.signal.reason
      throw error
    }
    share.accepted()
    if (share.signal?.aborted) {
      // It was aborted before acceptance, and is ending. Rejecting means that the memory is free again: the end comes first.
      await share.ended
      throw share.signal.reason
    }
    return share
  }

  shares(): readonly Share[] {
    return [...this.#live]
  }

  stats(): BackendStats {
    if (this.#state === 'closed') throw closedError()
    return this.backend.stats()
  }

  close(): Promise<void> {
    this.#closed ??= this.#drain()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  hold(): void {
    if (this.#holds++ === 0 && this.#state !== 'closed') this.backend.ref()
  }

  drop(): void {
    if (--this.#holds === 0 && this.#state !== 'closed') this.backend.unref()
  }

  forget(share: PendedShare): void {
    this.#live.delete(share.id)
    if (share.signal !== undefined) this.#signals.remove(share.signal, share)
  }

  #checkOpen(): void {
    if (this.#state === 'open') return
    throw this.#state === 'removed' ? removedError() : closedError()
  }

  /** Checks everything and marks the memory as lent; nothing has to be undone when it throws. */
  #prepare(target: object, given: object | undefined): PendedShare {
    let region: Region
    let options = DEFAULT_OPTIONS
    if (target instanceof Region) {
      region = target
      if (given !== undefined) options = this.#check(given, region.bytes)
      options.signal?.throwIfAborted()
      this.#checkLength(region.bytes)
    } else {
      const given = parse(shareBytes, target, 'share()')
      const bytes = bytesOf(given, this.#pageSize)
      const { bytes: _, ...rest } = given
      options = this.#check(rest, bytes)
      options.signal?.throwIfAborted()
      this.#checkLength(bytes)
      region = this.#allocate(bytes)
    }
    lend(region, this.#pageSize)
    return new PendedShare(this, ++this.#lastId, region, options)
  }

  #checkLength(bytes: number): void {
    if (bytes <= this.#maxBytes) return
    const message = `${bytes} bytes are more than the ${this.#maxBytes} of device.info.maxBytes; use several shares`
    throw new PendshareError('ERR_PENDSHARE_TOO_LARGE', message)
  }

  #allocate(bytes: number): Region {
    if (this.backend.allocate === undefined) return Region.allocate(bytes)
    checkPages(0, bytes, this.#pageSize)
    return adopt(this.backend.allocate(bytes))
  }

  #receive(events: readonly BackendEvent[]): void {
    for (const event of events) this.#handle(event)
  }

  #handle(event: BackendEvent): void {
    if (event.kind === 'removed') {
      if (this.#state === 'open') this.#state = 'removed'
      return
    }
    const share = this.#live.get(event.id)
    if (share === undefined) this.#stray(event)
    else if (event.kind === 'doorbell') share.rung(event.count)
    else if (event.kind === 'end') share.over(event)
    else share.recall(event.graceMs)
  }

  async #drain(): Promise<void> {
    this.#state = 'closing'
    this.hold()
    for (const share of this.#live) share.closing()
    try {
      await this.backend.close()
      // A share that was refused by closing has its answer in this turn of the event loop.
      if (this.#live.size > 0) await setImmediate()
    } catch (error) {
      throw asPendshareError(error, 'close()')
    } finally {
      this.#state = 'closed'
      this.#lose()
    }
  }

  /** Whoever waits for an end that the backend lost must not wait for ever. */
  #lose(): void {
    if (this.#live.size === 0) return
    const ids = Array.from(this.#live, ({ id }) => id).join(', ')
    this.#blame(`it has closed without the end of share ${ids}, whose memory is kept for good`)
    const error = new PendshareError(
      'ERR_PENDSHARE_SYSTEM',
      'the device was closed and the end of this share lost',
    )
    for (const share of this.#live) share.losing(error)
  }

  /** Told once a device: a faulty backend is not to flood the log. */
  #stray(event: BackendEvent): void {
    if (this.#strayed) return
    this.#strayed = true
    this.#blame(`event '${event.kind}' of share ${event.id}, which is not live; further ones are not told`)
  }

  #blame(what: string): void {
    const message = `backend '${this.choice.backend}' is at fault: ${what}`
    process.emitWarning(message, { code: 'PENDSHARE_BACKEND' })
  }
}

function closedError(): PendshareError {
  return new PendshareError('ERR_PENDSHARE_CLOSED', 'the device is closed; open it again')
}

function removedError(): PendshareError {
  return new PendshareError(
    'ERR_PENDSHARE_REMOVED',
    'the device was removed; close it, and open it when it is back',
  )
}
