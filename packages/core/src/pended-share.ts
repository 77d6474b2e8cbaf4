/**
 * One lease of memory to the kernel, from the call of `share()` until its single end.
 *
 *   sharing ──► pended ──► ending ──► ended(End)
 *      │                     ▲ release | cancel | close; whatever else ends it goes straight to ended
 *      └──► refused: share() rejects
 *
 * The first way to end wins, and all who ask get the same End. It is settled by the backend's `end` event alone, which
 * comes after the kernel has let go of the memory.
 */
import { performance } from 'node:perf_hooks' // the global one is a getter
import type { Access, BackendDevice, EndEvent, ShareRequest } from './contract.ts'
import { name, reportDoorbell, reportEnd, reportShare } from './diagnostics.ts'
import { ShareDoorbell } from './doorbell.ts'
import { endedError, PendshareError } from './errors.ts'
import { Frames, type FramesBell } from './frames/frames.ts'
import { SOON } from './iteration.ts'
import { type Region, takeBack } from './region.ts'
import type { CheckedOptions } from './schemas.ts'
import type { End, Recall, Share, ShareState } from './share.ts'
import { noRing, ringOf, type ShareRing } from './share-ring.ts'

/** For backends written in JavaScript, which no compiler holds to the contract. */
function unexplained(): PendshareError {
  return new PendshareError('ERR_PENDSHARE_PEER_FAILED', 'the peer failed without a cause')
}

/** What a share needs of its device. */
export interface ShareHost {
  readonly backend: BackendDevice
  /** The event loop stays alive as long as there are more holds than drops. */
  hold(): void
  drop(): void
  /** The share has ended and takes no more events. */
  forget(share: PendedShare): void
}

/** Shares whose end the backend lost. The kernel may still use their memory, so it is kept for good. */
const lost = new Set<PendedShare>()

export class PendedShare implements Share {
  readonly id: number
  readonly region: Region
  readonly signal: AbortSignal | undefined
  state: ShareState = 'sharing'
  readonly #host: ShareHost
  readonly #options: CheckedOptions
  readonly #since = performance.now()
  #referenced = true
  #wanted: 'release' | 'cancel' | undefined
  #cause: unknown
  #end: End | undefined
  #ended: Promise<End> | undefined
  #settle: ((end: End) => void) | undefined
  #doorbell: ShareDoorbell | undefined
  #recall: AbortController | undefined
  #ring: ShareRing | undefined
  #frames: Frames | undefined
  readonly #answer: Uint8Array | undefined
  #reply: unknown

  /** `region` has been lent for this share. */
  constructor(host: ShareHost, id: number, region: Region, options: CheckedOptions) {
    this.id = id
    this.region = region
    this.signal = options.signal
    this.#host = host
    this.#options = options
    const { replyBytes = 0 } = options.definition ?? {}
    if (replyBytes > 0) this.#answer = new Uint8Array(replyBytes)
    host.hold()
  }

  get label(): string {
    return this.#options.label
  }
  get access(): Access {
    return this.#options.access
  }
  get peer(): string {
    return this.#options.peer
  }
  get memory(): Uint8Array {
    return this.region.memory
  }

  get request(): ShareRequest {
    const { access, peer, peerOptions, frames, event, label, deadlineMs } = this.#options
    const { memory } = this.region
    const reply = this.#answer
    return { id: this.id, memory, access, peer, peerOptions, frames, reply, event, label, deadlineMs }
  }

  get ended(): Promise<End> {
    if (this.#ended !== undefined) return this.#ended
    if (this.#end !== undefined) this.#ended = Promise.resolve(this.#end)
    else {
      this.#ended = new Promise((resolve) => {
        this.#settle = resolve
      })
    }
    return this.#ended
  }

  get doorbell(): ShareDoorbell {
    if (this.#doorbell === undefined) {
      this.#doorbell = new ShareDoorbell(name(this))
      if (this.#end !== undefined) this.#doorbell.end(this.#end.reason)
    }
    return this.#doorbell
  }

  get ring(): ShareRing {
    const ended = this.#end?.reason
    if (ended !== undefined && (ended !== 'peer-ended' || this.region.lent))
      throw endedError(name(this), ended)
    if (this.state === 'sharing') throw noRing(`${name(this)} has not been accepted yet`)
    const { speaks = 'ring' } = this.#options.definition ?? {}
    if (speaks !== 'ring') throw noRing(`peer '${this.peer}' speaks ${speaks}`)
    this.#ring ??= ringOf({ name: name(this), peer: this.peer, memory: this.memory, bell: bellOf(this) })
    return this.#ring
  }

  get reply(): unknown {
    if (this.#answer === undefined || this.state === 'sharing') return undefined
    this.#reply ??= this.#options.definition?.decodeReply(this.#answer)
    return this.#reply
  }

  get frames(): Frames {
    if (this.#options.frames === undefined) throw noFrames(`${name(this)} was not asked for with any`)
    const ended = this.#end?.reason
    if (ended !== undefined && (ended !== 'peer-ended' || this.region.lent))
      throw endedError(name(this), ended)
    if (this.state === 'sharing') throw noFrames(`${name(this)} has not been accepted yet`)
    this.#frames ??= new Frames(this.memory, bellOf(this))
    return this.#frames
  }

  get recalled(): AbortSignal {
    this.#recall ??= new AbortController()
    return this.#recall.signal
  }

  notify(): void {
    if (this.state === 'pended') this.#host.backend.notify(this.id)
    else if (this.state !== 'sharing') throw endedError(name(this), this.#end?.reason ?? 'ending')
  }

  release(): Promise<End> {
    return this.#begin('release', undefined)
  }

  cancel(reason?: unknown): Promise<End> {
    return this.#begin('cancel', reason)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cancel()
  }

  ref(): this {
    if (!this.#referenced && this.state !== 'ended') this.#host.hold()
    this.#referenced = true
    return this
  }

  unref(): this {
    if (this.#referenced && this.state !== 'ended') this.#host.drop()
    this.#referenced = false
    return this
  }

  /** The driver has accepted the share. Its events may have come first, even its end. */
  accepted(): void {
    if (this.state !== 'sharing') return
    this.state = 'pended'
    reportShare(this)
    if (this.#wanted !== undefined) this.#begin(this.#wanted, this.#cause)
  }

  /** The driver has refused the share: nothing was lent, `share()` rejects. */
  refused(error: PendshareError): void {
    if (this.state === 'ended') return
    takeBack(this.region)
    this.#finish({ reason: 'failed', bytes: 0, heldForMs: this.#heldForMs(), error })
  }

  rung(count: number): void {
    this.doorbell.ring(count)
    reportDoorbell(this, count)
  }

  recall(graceMs: number): void {
    this.#recall ??= new AbortController()
    this.#recall.abort({ graceMs } satisfies Recall)
  }

  /** The device is closing, and ends this share with all others. */
  closing(): void {
    if (this.state === 'pended') this.state = 'ending'
  }

  /** The kernel has let go of the memory. */
  over(told: EndEvent): void {
    if (this.state === 'sharing') reportShare(this)
    takeBack(this.region)
    const end = this.#endOf(told)
    this.#finish(end)
    reportEnd(this, end)
  }

  #endOf(told: EndEvent): End {
    const { reason, bytes } = told
    const heldForMs = this.#heldForMs()
    if (reason === 'failed') return { reason, bytes, heldForMs, error: told.error ?? unexplained() }
    if (reason !== 'cancelled' || this.#cause === undefined) return { reason, bytes, heldForMs }
    return { reason, bytes, heldForMs, cause: this.#cause }
  }

  /** The backend has closed without telling the end: the memory is never lent or freed again. */
  losing(error: PendshareError): void {
    lost.add(this)
    this.#finish({ reason: 'failed', bytes: 0, heldForMs: this.#heldForMs(), error })
  }

  /** The first caller's way to end is the one that the driver hears of; a racing end of its own may still win. */
  #begin(how: 'release' | 'cancel', cause: unknown): Promise<End> {
    if (this.state === 'pended') {
      this.#cause = cause
      this.state = 'ending'
      this.#host.backend.end(this.id, how)
    } else if (this.state === 'sharing' && this.#wanted === undefined) {
      this.#wanted = how
      this.#cause = cause
    }
    return this.ended
  }

  /** Everything is as after the end before anyone hears of it. */
  #finish(end: End): void {
    this.state = 'ended'
    this.#end = Object.freeze(end)
    this.#host.forget(this)
    if (this.#referenced) this.#host.drop()
    this.#doorbell?.end(end.reason)
    this.#settle?.(end)
  }

  #heldForMs(): number {
    return performance.now() - this.#since
  }
}

function noFrames(why: string): PendshareError {
  return new PendshareError('ERR_PENDSHARE_NO_FRAMES', `there are no frames: ${why}`)
}

function bellOf(share: PendedShare): FramesBell {
  return {
    notify: () => {
      if (share.state === 'pended') share.notify()
    },
    listen: (wake) => share.doorbell.subscribe(wake),
    // Later: a listener is not called within the call that leaves a ring.
    ring: () =>
      void SOON.then(() => {
        if (share.state !== 'ended') share.doorbell.ring(1)
      }),
    get ended() {
      return share.state === 'ended'
    },
    /** What is left may be read after the end, but not from memory that another share has by now. */
    get lost() {
      if (share.state !== 'ended' || !share.region.lent) return undefined
      return endedError(name(share), 'its region is lent again')
    },
  }
}
