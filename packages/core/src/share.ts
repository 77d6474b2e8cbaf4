/** A share as the program sees it: its states, its end, and what may be done with it. */
import type { Access, EndReason } from './contract.ts'
import type { Doorbell } from './doorbell.ts'
import type { PendshareError } from './errors.ts'
import type { Frames } from './frames/frames.ts'
import type { Region } from './region.ts'
import type { ShareRing } from './share-ring.ts'

interface Held {
  /** Bytes that the peer has written, from the start of the memory. */
  readonly bytes: number
  /** Milliseconds from the call of `share()` to the end, by the monotonic clock. */
  readonly heldForMs: number
}

/** How and why a share ended, told apart by `reason`. Frozen. */
export type End =
  | (Held & {
      readonly reason: Exclude<EndReason, 'failed' | 'cancelled'>
      readonly cause?: never
      readonly error?: never
    })
  /** `cause`: what `cancel()` was given, or the signal's reason. */
  | (Held & { readonly reason: 'cancelled'; readonly cause?: unknown; readonly error?: never })
  /** `error`: what went wrong. */
  | (Held & { readonly reason: 'failed'; readonly cause?: never; readonly error: PendshareError })

export type ShareState = 'sharing' | 'pended' | 'ending' | 'ended'

/** Reason of `share.recalled`. */
export interface Recall {
  /** Milliseconds from the recall until the driver ends the share as `recalled`. */
  readonly graceMs: number
}

/** Memory lent to the kernel. `Reply`: what the peer's definition says that it answers. */
export interface Share<Reply = unknown> extends AsyncDisposable {
  /** Unique on its device, from 1 on. */
  readonly id: number
  readonly label: string
  /** What the kernel may do with the memory. */
  readonly access: Access
  /** What the peer answered, where `definePeer()` says that it does: what it really set, for instance. Else `undefined`. */
  readonly reply: Reply
  /** Name of the kernel peer; empty: the memory is only pinned. */
  readonly peer: string
  readonly state: ShareState
  readonly region: Region
  /** The memory that the kernel sees too. */
  readonly memory: Uint8Array
  /** Settles when no kernel code will touch the memory again. Never rejects: `reason` says why, and `failed` has an `error`. */
  readonly ended: Promise<End>
  readonly doorbell: Doorbell
  /**
   * The stream of records of a peer that speaks rings; `writer` is the way back. What an ended share has left is
   * read by iterations that began before, and by any when the peer ended by itself, until the region is lent again.
   *
   * @throws PendshareError `ERR_PENDSHARE_NO_RING`, `ERR_PENDSHARE_ENDED`, `ERR_PENDSHARE_RING_CORRUPT`
   */
  readonly ring: ShareRing
  /**
   * The slots of a share that was asked for with `frames`. What an ended share has left is handed out to iterations that began
   * before, and to any when the peer ended by itself, until the region is lent again.
   *
   * @throws PendshareError `ERR_PENDSHARE_NO_FRAMES`, `ERR_PENDSHARE_ENDED`, `ERR_PENDSHARE_FRAMES_CORRUPT`
   */
  readonly frames: Frames
  /** Aborted, with a `Recall` as its reason, when the driver asks for the memory back. */
  readonly recalled: AbortSignal
  /**
   * Rings the kernel peer. Nothing happens while `sharing`: the peer looks at the memory when it begins.
   *
   * @throws PendshareError `ERR_PENDSHARE_ENDED` once it is ending, `ERR_PENDSHARE_NOT_NOTIFIABLE`
   */
  notify(): void
  /** Ends the lease normally; resolves with the end, whoever brought it about. May be called again. */
  release(): Promise<End>
  /** Ends the lease and abandons whatever is under way; `reason` becomes `end.cause` when this is what ended it. */
  cancel(reason?: unknown): Promise<End>
  /** Lets the live share keep the event loop alive, which it does from the start. */
  ref(): this
  /** Lets the program exit while the share is live; the memory is then taken back by the driver. */
  unref(): this
}
