/** A backend's native addon: what cc/ exports. */

/** The requests return a status: 0, or the system's own number. Those documented to throw throw an `Error` with `status`. */
export interface NativeDevice {
  /** Throws. */
  info(): NativeInfo
  /**
   * Begins to wait for events. `wake` is called on the event loop with the number of events in `slots`; `over`: the device
   * was shut down and has told everything. `false`: it was opened to be polled, and that is not to be had here. Throws.
   */
  start(slots: Float64Array, wake: (count: number, over: boolean) => void): boolean
  share(...request: NativeShare): number
  /**
   * Pins on a thread of libuv's pool. `first`: this memory was not lent in this way before. `pinMs`: how long the driver took for it,
   * without what is done the first time alone.
   */
  shareOnPool(first: boolean, ...request: NativeShare): Promise<readonly [status: number, pinMs: number]>
  /** With `wait` the first slot is an END on return where the system can: it is told by nothing else then. */
  release(id: number, wait: boolean): number
  cancel(id: number, wait: boolean): number
  notify(id: number): number
  /** Whether waiting keeps the event loop alive. */
  hold(alive: boolean): void
  shutdown(): number
  /** For administrators: ends every share of the driver, at once or after a time of grace. */
  revoke(graceMs: number): number
  /** Ends what is left, waits for it, and closes the device. */
  close(): void
}

/** The last ones only where there is any of them: each argument costs a call into Node. */
export type NativeShare = [
  id: number,
  memory: Uint8Array,
  access: number,
  ...told: [label: string, deadlineMs: number, ...peer: NativePeer | []] | [],
]

type NativePeer = [
  peer: string,
  options: Uint8Array,
  event: bigint | undefined,
  frameCount: number,
  frameBytes: number,
  reply: Uint8Array,
]

export interface NativeInfo {
  readonly abi: number
  readonly version: number
  readonly pageSize: number
  readonly maxBytes: number
  readonly maxShares: number
  readonly minPeriodNs: number
  readonly shares: number
  readonly pinnedPages: number
  readonly totalPinnedPages: number
  readonly peers: readonly string[]
}

/** The numbers of abi.h, by its names. */
export type Abi = Readonly<Record<`PENDSHARE_${AbiNumber}`, number>>

type AbiNumber =
  | 'ABI_VERSION'
  | `ACCESS_${'READ' | 'WRITE'}`
  | `EVENT_${'DOORBELL' | 'END' | 'RECALL' | 'REMOVED' | 'ACCEPTED'}`
  | 'RELEASED'
  | 'CANCELLED'
  | 'CLOSED'
  | 'OWNER_EXITED'
  | 'DEVICE_REMOVED'
  | 'PEER_ENDED'
  | 'DEADLINE'
  | 'RECALLED'
  | 'FAILED'
  | `FAILURE_${'RING' | 'PEER' | 'FRAMES'}`

export interface Addon {
  readonly abi: Abi
  /** By name: the errors that abi.h names on this system, and those of opening a device. */
  readonly status: Readonly<Record<string, number>>
  /** What a share answers that is under way: an event will tell whether the driver accepts it. */
  readonly pending: number
  /** Kind of the event that tells of a share which was not accepted; its reason is the status. */
  readonly refusedKind: number
  /** Kind of an end that may have overtaken what was told before it: it is due when an event of `barrierKind` comes, one for each. */
  readonly lateEndKind: number
  readonly barrierKind: number
  /** Numbers that an event takes in `slots`: id, kind, reason, value, failure. */
  readonly eventFields: number
  /** Events that `slots` has room for. */
  readonly batch: number
  /** Whether a device can be polled by the event loop: this build and this runtime have the libuv for it. */
  readonly canPoll: boolean
  /** `administrator`: with the right to revoke, where it is asked for at opening. Throws. */
  openDevice(path: string, poll: boolean, administrator: boolean): NativeDevice
  /** Bytes that this process may lock; Infinity without a limit. */
  lockableBytes(): number
  /** Where a view lies in memory; 0n when it is detached. */
  addressOf(view: Uint8Array): bigint
}
