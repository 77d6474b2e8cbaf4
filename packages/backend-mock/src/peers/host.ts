/** What the code that runs a peer needs of the share that the peer is attached to. */
import type { EndReason, PendshareError, ShareId, ShareRequest } from '@pendshare/core'
import type { Driver } from '../driver.ts'
import type { EventStream } from '../events.ts'
import type { Lease } from '../lease.ts'

export interface PeerHost {
  readonly id: ShareId
  readonly request: ShareRequest
  readonly driver: Driver
  readonly lease: Lease
  readonly file: { readonly events: EventStream; readonly referenced: boolean }
  /** Gives back a reference that an access took; the last one resumes the teardown. */
  put(): void
  cancel(reason: EndReason): boolean
  recall(graceMs: number): void
  fail(error: PendshareError): void
  peerThrew(error: unknown): void
}
