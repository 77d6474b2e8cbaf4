/**
 * Stands between the core and one open of a backend, sees every call and event, and notes each breach of what
 * a backend promises. It never changes what passes through, and never throws into the backend.
 */
import type {
  Backend,
  BackendDevice,
  BackendEvent,
  BackendStats,
  EndReason,
  EventSink,
  OpenRequest,
  ShareId,
  ShareRequest,
} from '@pendshare/core'
import { END_REASONS, PendshareError } from '@pendshare/core'
import { Breach, type LawName } from './breach.ts'

/** What was seen of one share. */
export interface Sighting {
  readonly request: ShareRequest
  state: 'sharing' | 'accepted' | 'refused' | 'ended'
  reason: EndReason | undefined
  doorbells: number
  recalled: boolean
  /** The call that `end()` answered with true. */
  begun: 'release' | 'cancel' | undefined
  readonly asked: Set<'release' | 'cancel'>
}

export class Witness implements BackendDevice {
  allocate?: (bytes: number) => Uint8Array
  readonly breaches: Breach[] = []
  readonly sightings = new Map<ShareId, Sighting>()
  #device: BackendDevice | undefined
  #insideCall = 0
  #phase: 'open' | 'closing' | 'closed' = 'open'
  #removed = false

  async open(backend: Backend, request: OpenRequest, sink: EventSink): Promise<BackendDevice> {
    this.#device = await this.#call(() => backend.open(request, (events) => this.#see(events, sink)))
    const { allocate } = this.#device
    if (allocate !== undefined)
      this.allocate = (bytes) => this.#call(() => allocate.call(this.#device, bytes))
    return this
  }

  get info() {
    return this.#backend.info
  }

  get supports() {
    return this.#backend.supports
  }

  share(request: ShareRequest): void | Promise<void> {
    const sighting: Sighting = {
      request,
      state: 'sharing',
      reason: undefined,
      doorbells: 0,
      recalled: false,
      begun: undefined,
      asked: new Set(),
    }
    this.sightings.set(request.id, sighting)
    try {
      const pending = this.#call(() => this.#backend.share(request))
      if (pending === undefined) return this.#accept(sighting)
      return pending.then(
        () => this.#accept(sighting),
        (error: unknown) => this.#refuse(sighting, error),
      )
    } catch (error) {
      return this.#refuse(sighting, error)
    }
  }

  end(id: ShareId, how: 'release' | 'cancel'): boolean {
    const sighting = this.sightings.get(id)
    sighting?.asked.add(how)
    const begun = this.#call(() => this.#backend.end(id, how))
    if (typeof begun !== 'boolean') this.#breach('oneEnd', `end() answered ${String(begun)}, not a boolean`)
    if (!begun || sighting === undefined) return begun
    if (sighting.state === 'ended') this.#breach('oneEnd', `end() ended share ${id}, which had ended`)
    if (sighting.begun !== undefined) this.#breach('oneEnd', `end() ended share ${id} for the second time`)
    sighting.begun ??= how
    return begun
  }

  notify(id: ShareId): void {
    this.#call(() => this.#backend.notify(id))
  }

  stats(): BackendStats {
    return this.#call(() => this.#backend.stats())
  }

  ref(): void {
    this.#call(() => this.#backend.ref())
  }

  unref(): void {
    this.#call(() => this.#backend.unref())
  }

  async close(): Promise<void> {
    this.#phase = 'closing'
    await this.#call(() => this.#backend.close())
    this.#phase = 'closed'
    for (const [id, { state }] of this.sightings)
      if (state === 'accepted') this.#breach('closing', `close() resolved before share ${id} had ended`)
  }

  /** Shares that are being shared, live or ending. */
  get live(): number {
    let count = 0
    for (const { state } of this.sightings.values()) if (state === 'sharing' || state === 'accepted') count++
    return count
  }

  get #backend(): BackendDevice {
    if (this.#device === undefined) throw new Error('the backend was used before it was open')
    return this.#device
  }

  #call<T>(body: () => T): T {
    this.#insideCall++
    try {
      return body()
    } finally {
      this.#insideCall--
    }
  }

  #breach(law: LawName, message: string): void {
    this.breaches.push(new Breach(law, message))
  }

  #accept(sighting: Sighting): void {
    if (sighting.state === 'sharing') sighting.state = 'accepted'
  }

  #refuse(sighting: Sighting, error: unknown): never {
    const { id } = sighting.request
    if (sighting.state === 'ended') this.#breach('lease', `share ${id} was refused after its end event`)
    if (!(error instanceof PendshareError))
      this.#breach('refusals', `share ${id} was refused with ${String(error)}, which is no PendshareError`)
    sighting.state = 'refused'
    this.#checkPages()
    throw error
  }

  #see(events: readonly BackendEvent[], sink: EventSink): void {
    if (this.#insideCall > 0) this.#breach('events', 'events came inside a call of the backend')
    if (this.#phase === 'closed') this.#breach('closing', 'events came after close() had resolved')
    if (events.length === 0) this.#breach('events', 'a batch without events came')
    for (const event of events) {
      if (event.kind === 'removed') this.#removed = true
      else this.#seeShare(event)
    }
    if (events.some(({ kind }) => kind === 'end')) this.#checkPages()
    sink(events)
  }

  #seeShare(event: Exclude<BackendEvent, { kind: 'removed' }>): void {
    const { id, kind } = event
    const sighting = this.sightings.get(id)
    if (sighting === undefined) this.#breach('events', `${kind} for the unknown id ${id}`)
    else if (sighting.state === 'refused') this.#breach('lease', `${kind} for share ${id}, which was refused`)
    else if (sighting.state === 'ended')
      this.#breach(kind === 'end' ? 'oneEnd' : 'events', `${kind} after the end of share ${id}`)
    else if (event.kind === 'doorbell') this.#seeDoorbell(sighting, event.count)
    else if (event.kind === 'recall') sighting.recalled = true
    else this.#seeEnd(sighting, event)
  }

  #seeDoorbell(sighting: Sighting, count: number): void {
    if (!Number.isSafeInteger(count) || count < 1)
      this.#breach('doorbell', `a doorbell counted ${count} rings`)
    sighting.doorbells += count
  }

  #seeEnd(sighting: Sighting, event: Extract<BackendEvent, { kind: 'end' }>): void {
    const { id, memory } = sighting.request
    const wrong = this.#contradiction(sighting, event.reason)
    if (wrong !== undefined) this.#breach('oneEnd', `share ${id} ended as ${event.reason}, but ${wrong}`)
    if (!Number.isSafeInteger(event.bytes) || event.bytes < 0 || event.bytes > memory.length)
      this.#breach('oneEnd', `share ${id} of ${memory.length} bytes ended with ${event.bytes} bytes`)
    if ((event.reason === 'failed') !== (event.error !== undefined))
      this.#breach(
        'oneEnd',
        `share ${id} ended as ${event.reason} ${event.error ? 'with' : 'without'} an error`,
      )
    sighting.state = 'ended'
    sighting.reason = event.reason
  }

  /** Why a share that was seen so cannot have ended for this reason. */
  #contradiction(sighting: Sighting, reason: EndReason): string | undefined {
    const { begun, asked, request } = sighting
    const winner = begun === undefined ? undefined : begun === 'release' ? 'released' : 'cancelled'
    if (winner !== undefined && reason !== winner) return `end() had ended it by ${begun}`
    switch (reason) {
      case 'released':
        return asked.has('release') ? undefined : 'nobody had released it'
      case 'cancelled':
        return asked.has('cancel') ? undefined : 'nobody had cancelled it'
      case 'closed':
        return this.#phase === 'open' ? 'nobody had closed the device' : undefined
      case 'owner-exited':
        return 'its owner is alive'
      case 'peer-ended':
      case 'failed':
        return request.peer === '' ? 'it had no peer' : undefined
      case 'deadline':
        return request.deadlineMs === undefined ? 'it had no deadline' : undefined
      case 'recalled':
        return sighting.recalled ? undefined : 'nobody had recalled it'
      case 'device-removed':
        return undefined
      default:
        return `the reason is none of ${END_REASONS.join(', ')}`
    }
  }

  /** With no share left nothing may be pinned: the end comes after the unpin. */
  #checkPages(): void {
    if (this.live > 0 || this.#phase !== 'open' || this.#removed) return
    const { pinnedPages } = this.stats()
    if (pinnedPages !== 0) this.#breach('reuse', `with no live share, ${pinnedPages} pages are counted`)
  }
}

/** The same backend, seen by a new witness at each open. */
export function watched(backend: Backend, seen: (witness: Witness) => void): Backend {
  return {
    name: backend.name,
    probe: () => backend.probe(),
    open(request, sink) {
      const witness = new Witness()
      seen(witness)
      return witness.open(backend, request, sink)
    },
  }
}
