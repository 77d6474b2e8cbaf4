/**
 * What a peer of the mock is: the stand-in for kernel code that uses a share, by the rules of the real driver's peers.
 *
 *   attach ──► step, notify, ring, recall ... ──► detach
 */
import type { Access, PendshareError, ShareId } from '@pendshare/core'
import type { PeerFrames } from './frames.ts'

export interface MockPeer {
  /** What `device.share({ peer })` asks for: 1 to 31 bytes of ASCII. */
  readonly name: string
  /** The access without which a share is refused. Default: any will do. */
  readonly access?: Access
  /** It speaks frames: shares without are refused; for a peer that says nothing, those with. */
  readonly frames?: true
  /**
   * Begins to use a share. Throw to refuse it: a `PendshareError` reaches the program as it is, anything
   * else as the cause of `ERR_PENDSHARE_PEER_FAILED`.
   */
  attach(share: PeerShare): Attachment
}

/** A peer at work on one share. Called one at a time, never inside a call of the program's. What it throws fails the share. */
export interface Attachment {
  /** The program notified the peer, once or more since the last call. Absent: it takes no notifications. */
  notify?(): void
  /**
   * A step that was asked for. `now`: monotonic nanoseconds. `ticks`: periods of `every()` since the last step
   * by the timer, 1 unless some were missed, 0 when it was not the timer. Return true to step again right away.
   */
  step?(now: number, ticks: number): boolean | undefined
  /**
   * The share is ending: let go of the memory now, or drop your holds once your device is done. `notify` and `step` do
   * not run any more.
   */
  detach?(): void
}

/** A share as its peer sees it. */
export interface PeerShare {
  readonly id: ShareId
  readonly label: string
  readonly access: Access
  /** The peer's options as they came from the program, at most 4096 bytes. */
  readonly options: Uint8Array
  /** While it attaches: answers the program, by what was really set for instance; at most 256 bytes. `mockPeer()` has it typed. */
  reply(bytes: Uint8Array): void
  /** Bytes of memory, whole pages. */
  readonly length: number
  /** The memory itself, live. Throws once the share is unmapped: nothing may touch it then. */
  readonly memory: Uint8Array
  /** Whether the share is ending; detach is coming. */
  readonly ending: boolean
  /**
   * Lays out the frames that the share was asked for with, and is then the kernel's side of them: once, while attaching. With
   * `playback` the program has all slots at first, else the peer.
   */
  frames(options: { readonly playback: boolean }): PeerFrames
  /** The first so many bytes were written: `end.bytes`. Never goes down. */
  written(bytes: number): void
  /** Rings the doorbell. Rings coalesce into a count until the program looks. */
  ring(): void
  /** Asks for a step as soon as possible. */
  wake(): void
  /** Asks for one step after so many nanoseconds, instead of what `after()` or `every()` asked before. */
  after(ns: number): void
  /**
   * Asks for a step every so many nanoseconds, `minPeriodNs` to an hour, instead of what was asked before.
   * Throws `ERR_PENDSHARE_INVALID_ARGUMENT`, `ERR_PENDSHARE_QUOTA`.
   */
  every(periodNs: number): void
  /**
   * Keeps the memory leased while a device of the peer's is at it, also through detach. Returns what drops the
   * hold, or `undefined` when the share is ending and must not be touched any more.
   */
  hold(): (() => void) | undefined
  /** The peer is done: the share ends as `peer-ended`. Of no effect when it is ending already. */
  end(): void
  /** The share ends as `failed`. Of no effect when it is ending already. */
  fail(error: PendshareError): void
  /** Asks for the memory back: the share ends as `recalled` after `graceMs`. */
  recall(graceMs: number): void
}
