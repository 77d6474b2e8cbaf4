/** An open file of the device: its pended requests, its stream of events, and whether it still takes requests. */
import {
  type BackendEvent,
  type EndReason,
  type EventSink,
  framesLength,
  type PendshareError,
  type ShareRequest,
} from '@pendshare/core'
import { FRAMES_MAX_BYTES, FRAMES_MAX_COUNT } from '@pendshare/core/frames/layout'
import { type Driver, MAX_BYTES } from './driver.ts'
import { EventStream } from './events.ts'
import type { MockPeer } from './peers/peer.ts'
import { PendQueue } from './queue.ts'
import { refusal } from './refusal.ts'
import { Setup, setUp } from './setup.ts'
import { Share, type ShareHost } from './share.ts'

/** Longer memory is pinned outside the call, as the real backends do it. */
const PAGES_PINNED_INSIDE_THE_CALL = 256

export class OpenFile implements ShareHost {
  readonly driver: Driver
  readonly queue = new PendQueue<Share>()
  readonly events: EventStream
  /** Pages pinned by this file now. */
  pinned = 0
  /** A share of this file keeps the event loop alive. */
  referenced = false
  #refusal: (() => PendshareError) | undefined
  #removed: 'no' | 'to be told' | 'told' = 'no'
  /** Requests that are neither accepted nor refused yet. */
  #undecided = 0
  #drained: (() => void) | undefined

  constructor(driver: Driver, sink: EventSink) {
    this.driver = driver
    this.events = new EventStream(driver.scheduler, sink, (events) => this.#delivered(events))
  }

  share(request: ShareRequest): void | Promise<void> {
    const peer = this.#check(request)
    this.driver.faults.pass('allocate')
    const share = new Share(this, request)
    const inside = share.pages <= PAGES_PINNED_INSIDE_THE_CALL && this.driver.scheduler.inline
    return inside ? setUp(share, peer) : this.#shareLater(share, peer)
  }

  /** Throws unless this file takes requests. */
  admits(): void {
    if (this.#refusal !== undefined) throw this.#refusal()
  }

  /** Ends every share and refuses new ones as abi.h says for SHUTDOWN. Resolves after the last end was delivered. */
  close(): Promise<void> {
    this.#refusal ??= () => refusal('ESHUTDOWN', 'The device is closing.')
    this.queue.cancelAll('closed')
    return new Promise((resolve) => {
      this.#drained = resolve
      this.#settle()
    })
  }

  remove(): void {
    this.#die('device-removed', () => refusal('ENODEV', 'The device was removed. Open it again.'))
    if (this.#removed === 'no') this.#removed = 'to be told'
    this.#settle()
  }

  ownerExit(): void {
    this.#die('owner-exited', () => refusal('EIO', 'The process that opened the device has exited.'))
  }

  #die(reason: EndReason, why: () => PendshareError): void {
    this.#refusal ??= why
    this.queue.cancelAll(reason)
  }

  /** What abi.h checks before anything is taken. */
  #check(request: ShareRequest): MockPeer | undefined {
    const { id, memory, event, peer } = request
    this.admits()
    if (this.queue.find(id) !== undefined) throw refusal('EEXIST', `The id ${id} is in use on this file.`)
    if (event !== undefined) throw refusal('EBADF', 'The mock has no native events to signal.')
    const { byteLength } = memory
    if (byteLength === 0 || byteLength % this.driver.pages.size !== 0) {
      throw refusal('EINVAL', `The memory is ${byteLength} bytes long, not whole pages.`)
    }
    if (byteLength > MAX_BYTES) throw refusal('EOVERFLOW', `The memory is longer than ${MAX_BYTES} bytes.`)
    this.#checkFrames(request)
    return peer === '' ? undefined : this.driver.peer(request)
  }

  #checkFrames({ frames, memory, access, peer }: ShareRequest): void {
    if (frames === undefined) return
    const { count, bytes } = frames
    const { size } = this.driver.pages
    const fit =
      within(count, FRAMES_MAX_COUNT) &&
      within(bytes, FRAMES_MAX_BYTES) &&
      bytes % size === 0 &&
      framesLength(count, bytes, size) <= memory.byteLength
    if (!fit) throw refusal('EINVAL', `${count} slots of ${bytes} bytes do not fit ${memory.byteLength}.`)
    if (access !== 'readwrite' || peer === '') {
      throw refusal('EINVAL', "Frames want a peer that lays them out, and access 'readwrite'.")
    }
  }

  #shareLater(share: Share, peer: MockPeer | undefined): Promise<void> {
    this.#undecided += 1
    return new Promise((resolve, reject) => {
      const decided = (error: unknown) => {
        this.#undecided -= 1
        if (error === undefined) resolve()
        else reject(error)
        this.#settle()
      }
      this.driver.scheduler.later(new Setup(share, peer, decided), true)
    })
  }

  #delivered(events: readonly BackendEvent[]): void {
    for (const event of events) if (event.kind === 'end') this.queue.complete(event.id)
    this.#settle()
  }

  /** Tells what comes after the last end: that the device is gone, and that the file is drained. */
  #settle(): void {
    if (this.queue.size > 0 || this.#undecided > 0) return
    if (this.#removed === 'to be told') {
      this.#removed = 'told'
      this.events.push({ id: 0, kind: 'removed' })
    }
    if (this.events.empty) this.#drained?.()
  }
}

function within(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= most
}
