/**
 * What can be watched from outside: the channels `pendshare:share`, `pendshare:end` and `pendshare:doorbell` of
 * `node:diagnostics_channel`, and lines on stderr with `NODE_DEBUG=pendshare`. Each costs one test when nobody looks.
 */
import { channel } from 'node:diagnostics_channel'
import { debuglog } from 'node:util'
import type { End, Share } from './share.ts'

/** Message of `pendshare:share`: the driver has accepted it. */
export interface ShareMessage {
  readonly share: Share
}
/** Message of `pendshare:end`. */
export interface EndMessage {
  readonly share: Share
  readonly end: End
}
/** Message of `pendshare:doorbell`: the peer has rung `count` times since the last message. */
export interface DoorbellMessage {
  readonly share: Share
  readonly count: number
}

const shares = channel('pendshare:share')
const ends = channel('pendshare:end')
const doorbells = channel('pendshare:doorbell')
const debug = debuglog('pendshare')
/** `enabled` is a getter, and its answer fixed when the process starts. */
const debugging = debug.enabled

export function reportShare(share: Share): void {
  if (shares.hasSubscribers) shares.publish({ share } satisfies ShareMessage)
  if (debugging) debug('%s: %d bytes pended', name(share), share.memory.byteLength)
}

export function reportEnd(share: Share, end: End): void {
  if (ends.hasSubscribers) ends.publish({ share, end } satisfies EndMessage)
  if (debugging) debug('%s: %s after %i ms, %d bytes', name(share), end.reason, end.heldForMs, end.bytes)
}

export function reportDoorbell(share: Share, count: number): void {
  if (doorbells.hasSubscribers) doorbells.publish({ share, count } satisfies DoorbellMessage)
  if (debugging) debug('%s: rung %d times', name(share), count)
}

export function reportOpen(backend: string, why: string): void {
  if (debugging) debug('opened %s: %s', backend, why)
}

/** How messages call a share. */
export function name(share: Pick<Share, 'id' | 'label'>): string {
  return share.label === '' ? `share ${share.id}` : `share ${share.id} (${share.label})`
}
