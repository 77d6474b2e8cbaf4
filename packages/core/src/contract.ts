/**
 * What a backend implements to carry pendshare to an operating system.
 *
 * The core owns arguments, state, defaults, ids and draining: a backend receives checked
 * requests only. These laws hold for every backend, and `@pendshare/contract-tests` checks them:
 *
 * 1. The request is the lease. From the call of `share()` until it fails or the share's `end`
 *    event, the kernel may touch the memory. Before and after, never.
 * 2. Exactly one end. An accepted share gets one `end` event with one reason. When several ways to
 *    end race, one wins, and the event names the winner.
 * 3. Safe to reuse. The `end` event comes after revocation is complete: the peer has stopped and the
 *    memory is unpinned.
 * 4. Memory stays alive and in place. The backend holds the memory until it has delivered `end`.
 * 5. Closing drains. `close()` resolves after the last `end`; it never hangs on a lost request.
 * 6. Nothing outlives its owner. When the environment is torn down without JavaScript, everything
 *    ends synchronously.
 * 7. No thread is held by a pended share.
 * 8. Events are ordered per share, batched per wake-up, and never delivered inside a call of the
 *    backend's.
 */
import type { PendshareError } from './errors.ts'

/** Chosen by the core, 1 to 2^53 - 1, never reused on a device; the ABI's id. 0 means the device. */
export type ShareId = number

/** What the kernel may do with the memory. */
export type Access = 'read' | 'write' | 'readwrite'

/** Why a share ended. The order is that of `enum pendshare_reason` in abi.h, from 1 on. */
export const END_REASONS = [
  'released',
  'cancelled',
  'closed',
  'owner-exited',
  'device-removed',
  'peer-ended',
  'deadline',
  'recalled',
  'failed',
] as const
export type EndReason = (typeof END_REASONS)[number]

export interface ShareRequest {
  readonly id: ShareId
  /**
   * Whole pages at a page boundary of its buffer, not lent by any other share of this thread. Where the buffer lies
   * in memory JavaScript cannot see: the backend refuses an address off a page with `ERR_PENDSHARE_UNALIGNED`.
   */
  readonly memory: Uint8Array
  readonly access: Access
  /** Name of the kernel peer, at most 31 bytes of ASCII; empty: the memory is only pinned. */
  readonly peer: string
  /** The peer's options as it wants them laid out, at most 4096 bytes. */
  readonly peerOptions: Uint8Array
  /** Takes the peer's answer, at most 256 bytes, before the share is accepted. */
  readonly reply: Uint8Array | undefined
  /** Native event to signal at each ring besides: an eventfd, or a Windows event handle. */
  readonly event: bigint | undefined
  /** Slots that the peer lays out in the memory as frames.h says, of so many bytes (whole pages) each; they fit. */
  readonly frames: { readonly count: number; readonly bytes: number } | undefined
  /** At most 31 bytes of UTF-8, for administrators. */
  readonly label: string
  /** Milliseconds from acceptance until the driver ends the share as `deadline`. */
  readonly deadlineMs: number | undefined
}

/** The last event of a share. `bytes`: written by the peer, from the start. */
export type EndEvent = {
  readonly id: ShareId
  readonly kind: 'end'
  readonly bytes: number
} & (
  | { readonly reason: Exclude<EndReason, 'failed'>; readonly error?: never }
  | { readonly reason: 'failed'; readonly error: PendshareError }
)

export type BackendEvent =
  /** The peer rang `count` times since the last report. */
  | { readonly id: ShareId; readonly kind: 'doorbell'; readonly count: number }
  /** The driver wants the memory back and ends the share as `recalled` in `graceMs`. */
  | { readonly id: ShareId; readonly kind: 'recall'; readonly graceMs: number }
  | EndEvent
  /** The device is gone: every share has ended or will, and nothing more can be shared. */
  | { readonly id: 0; readonly kind: 'removed' }

export type EventSink = (events: readonly BackendEvent[]) => void

export type Probe =
  | { readonly usable: true; readonly detail: string }
  | {
      readonly usable: false
      /** An `ERR_PENDSHARE_…` code. */
      readonly code: string
      readonly detail: string
      /** What the user can do about it, as an imperative sentence. */
      readonly remedy: string
    }

export interface DeviceInfo {
  /** Version of abi.h that the driver speaks. */
  readonly abi: number
  /** Of the driver, `major.minor.patch`. */
  readonly version: string
  /** Names of the peers that there were when the device was opened: cards come and go. */
  readonly peers: readonly string[]
  readonly pageSize: number
  readonly maxBytes: number
  readonly maxShares: number
  readonly minPeriodNs: number
}

/** What a backend can show; gates contract tests, never changes behaviour. */
export interface Supports {
  /** `share()` is refused when the locked-memory limit would be exceeded. */
  readonly memlock: boolean
  /** The driver ends shares by itself at `deadlineMs`. */
  readonly deadline: boolean
  /** An administrator can take the device away or recall memory. */
  readonly removal: boolean
  /** A share survives neither the death of its process nor of its worker thread. */
  readonly ownerExit: boolean
  /** `event` is signalled. */
  readonly event: boolean
  /** What the peer writes is seen in JavaScript while the share is live, without a copy. */
  readonly liveMemory: boolean
}

export interface BackendStats {
  /** Live or ending on this device. */
  readonly shares: number
  /** Pinned by this device now. */
  readonly pinnedPages: number
  /** Pinned by every user of the driver now. */
  readonly totalPinnedPages: number
}

export interface OpenRequest {
  /** Path or name of the device, where there can be several. */
  readonly path: string | undefined
  /** How the doorbell reaches the event loop, where a backend has several ways. */
  readonly wakeup: string | undefined
}

export interface Backend {
  readonly name: string
  /** Whether `open()` would work, and why not. Never rejects, leaves nothing open. */
  probe(): Promise<Probe>
  /**
   * Rejects with a `PendshareError`. `sink` is called from the event loop, never inside a call of
   * this backend's, with at least one event.
   */
  open(request: OpenRequest, sink: EventSink): Promise<BackendDevice>
}

/** Where a backend has its native addon from: a build of one's own, or a prebuilt package. */
export interface AddonOrigin {
  readonly kind: 'built' | 'prebuilt'
  readonly path: string
}

export interface BackendDevice {
  readonly info: DeviceInfo
  readonly supports: Supports
  /** Absent where no native code is needed. */
  readonly addon?: AddonOrigin
  /** Memory fit to be lent, `bytes` long (whole pages). Absent: the core allocates it. */
  allocate?(bytes: number): Uint8Array
  /**
   * Lends memory. Throws or rejects with a `PendshareError` when refused, and then no event with this
   * id ever comes. Returns a promise only when the pin is taken off the event loop; events of the share may
   * come before it resolves.
   */
  share(request: ShareRequest): void | Promise<void>
  /**
   * Begins to end a share. Never blocks for the peer, never throws. `false`: the share is no longer live, something
   * else has ended it. In both cases the `end` event tells what won.
   */
  end(id: ShareId, how: 'release' | 'cancel'): boolean
  /** Rings the peer. Nothing happens when the share is no longer live. Throws when the peer takes no notifications. */
  notify(id: ShareId): void
  stats(): BackendStats
  /**
   * An open device does not keep the event loop alive until `ref()`; the core calls both by need, in turn, and neither
   * after `close()` has resolved.
   */
  ref(): void
  unref(): void
  /**
   * Ends every share as `closed`; resolves after the last `end` was delivered and every promise of `share()` settled.
   * Called once, and with a `ref()` in force.
   */
  close(): Promise<void>
}
