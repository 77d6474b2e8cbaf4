/**
 * A backend that does nothing by itself: a test answers shares, delivers events and reads what was called. By
 * default it accepts at once, and ends a share in the next macrotask after it was asked to.
 */
import {
  type Backend,
  type BackendDevice,
  type BackendEvent,
  type BackendStats,
  type Device,
  type DeviceInfo,
  type EndReason,
  type EventSink,
  open,
  type ShareRequest,
  type Supports,
} from '../src/index.ts'

const SUPPORTS: Supports = {
  memlock: false,
  deadline: false,
  removal: true,
  ownerExit: false,
  event: false,
  liveMemory: true,
}

export const INFO: DeviceInfo = {
  abi: 1,
  version: '0.1.0',
  peers: ['fill', 'clock'],
  pageSize: 4096,
  maxBytes: 1 << 20,
  maxShares: 100,
  minPeriodNs: 50_000,
}

export class FakeBackend implements Backend, BackendDevice {
  readonly name = 'fake'
  readonly supports = SUPPORTS
  info = INFO
  /** Every call in its order, as `share 1`, `release 1`, `ref` … */
  readonly calls: string[] = []
  readonly requests: ShareRequest[] = []
  readonly live = new Set<number>()
  /** Answers a share: returns, returns a promise, or throws. */
  answer: (request: ShareRequest) => void | Promise<void> = () => {}
  /** Whether the fake delivers ends by itself. */
  ends = true
  closing: () => Promise<void> = async () => {}
  allocate?: (bytes: number) => Uint8Array
  #sink: EventSink = () => {}

  async probe(): Promise<{ usable: true; detail: string }> {
    return { usable: true, detail: 'always' }
  }

  async open(_request: unknown, sink: EventSink): Promise<BackendDevice> {
    this.#sink = sink
    return this
  }

  share(request: ShareRequest): void | Promise<void> {
    this.calls.push(`share ${request.id}`)
    this.requests.push(request)
    this.live.add(request.id)
    return this.answer(request)
  }

  end(id: number, how: 'release' | 'cancel'): boolean {
    this.calls.push(`${how} ${id}`)
    if (this.ends) setImmediate(() => this.ended(id, how === 'release' ? 'released' : 'cancelled'))
    return this.live.has(id)
  }

  notify(id: number): void {
    this.calls.push(`notify ${id}`)
  }

  stats(): BackendStats {
    return { shares: this.live.size, pinnedPages: this.live.size, totalPinnedPages: this.live.size }
  }

  ref(): void {
    this.calls.push('ref')
  }

  unref(): void {
    this.calls.push('unref')
  }

  async close(): Promise<void> {
    this.calls.push('close')
    await this.closing()
    if (this.ends) for (const id of this.live) this.ended(id, 'closed')
  }

  /** The calls of ref and unref. */
  refs(): string[] {
    return this.calls.filter((call) => call.endsWith('ref'))
  }

  /** Ends a live share; a second end of it is nobody's. */
  ended(id: number, reason: EndReason, bytes = 0): void {
    // As a backend in JavaScript may: an end as failed without its error.
    if (this.live.delete(id)) this.emit({ id, kind: 'end', reason, bytes } as BackendEvent)
  }

  emit(...events: BackendEvent[]): void {
    this.#sink(events)
  }
}

type Script = Partial<Pick<FakeBackend, 'answer' | 'ends' | 'closing' | 'allocate'>> & {
  info?: Partial<DeviceInfo>
}

/** A device on a fake of its own. */
export async function openFake(script: Script = {}): Promise<{ backend: FakeBackend; device: Device }> {
  const { info, ...rest } = script
  const backend = Object.assign(new FakeBackend(), rest, { info: { ...INFO, ...info } })
  return { backend, device: await open({ backend }) }
}
