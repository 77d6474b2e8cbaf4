/** An open device of the mock: the core's calls, each as the request of an open file. */
import type {
  BackendDevice,
  BackendStats,
  DeviceInfo,
  EventSink,
  ShareRequest,
  Supports,
} from '@pendshare/core'
import { MAX_BYTES } from './driver.ts'
import type { OpenFile } from './file.ts'
import type { OpenFiles } from './files.ts'
import { MIN_PERIOD_NS } from './peers/port.ts'

const SUPPORTS: Supports = {
  memlock: true,
  deadline: true,
  removal: true,
  ownerExit: true,
  event: false,
  liveMemory: true,
}

/** The longest that setInterval takes. */
const RARELY_MS = 0x7fffffff

export class MockDevice implements BackendDevice {
  readonly info: DeviceInfo
  readonly supports = SUPPORTS
  readonly #files: OpenFiles
  readonly #file: OpenFile
  /** Does nothing but keep the event loop alive. */
  readonly #anchor = setInterval(() => {}, RARELY_MS).unref()

  constructor(files: OpenFiles, sink: EventSink) {
    const { driver } = files
    this.#files = files
    this.#file = files.open(sink)
    this.info = {
      abi: 1,
      version: '0.1.0',
      peers: driver.peerNames,
      pageSize: driver.pages.size,
      maxBytes: MAX_BYTES,
      maxShares: driver.quota.maxShares,
      minPeriodNs: MIN_PERIOD_NS,
    }
  }

  share(request: ShareRequest): void | Promise<void> {
    return this.#file.share(request)
  }

  end(id: number, how: 'release' | 'cancel'): boolean {
    return this.#file.queue.cancel(id, how === 'release' ? 'released' : 'cancelled')
  }

  notify(id: number): void {
    this.#file.queue.find(id)?.notify()
  }

  stats(): BackendStats {
    return {
      shares: this.#file.queue.size,
      pinnedPages: this.#file.pinned,
      totalPinnedPages: this.#file.driver.pages.pinned,
    }
  }

  ref(): void {
    this.#file.referenced = true
    if (this.#file.driver.scheduler.byItself) this.#anchor.ref()
  }

  unref(): void {
    this.#file.referenced = false
    this.#anchor.unref()
  }

  async close(): Promise<void> {
    await this.#files.close(this.#file)
    clearInterval(this.#anchor)
  }
}
