/** What has to be true of a device and its shares after any commands: the model that random commands are checked against. */
import assert from 'node:assert/strict'
import { type Device, type End, type EndReason, Region, type Share } from '@pendshare/core'
import type { Context } from '../context.ts'
import { assertFilled, SENTINEL } from '../laws/steps.ts'

export const SLOTS = 3
const PAGES = 2

/** What the model knows of a share. */
export interface Lease {
  readonly slot: number
  /** How the peer works: not at all, once a notification, on and on, or a few rounds until it ends the share. */
  readonly use: Use
  /** Reasons for which it may have ended by now, or will. Empty: it is live, and nothing else is possible. */
  readonly possible: Set<EndReason>
}
export type Use = 'none' | 'notified' | 'busy' | 'brief'

export interface Model {
  device: 'open' | 'closing' | 'closed' | 'removed'
  readonly leases: Lease[]
  /** The slots whose memory was filled with the sentinel after the last end, and was not lent since. */
  readonly sealed: Set<number>
}

/** The device and the shares that the commands act on. */
export interface Real {
  readonly context: Context
  device: Device
  readonly regions: readonly Region[]
  readonly shares: Share[]
  readonly controllers: AbortController[]
  /** Every answer that was asked for, with the share that it has to be the End of. */
  readonly answers: { readonly share: Share; readonly end: Promise<End> }[]
}

export async function start(context: Context): Promise<{ model: Model; real: Real }> {
  const device = await context.open()
  const regions = Array.from({ length: SLOTS }, () => Region.allocate(PAGES * device.info.pageSize))
  return {
    model: { device: 'open', leases: [], sealed: new Set() },
    real: { context, device, regions, shares: [], controllers: [], answers: [] },
  }
}

/** The lease and share of an index that counts around, or undefined when there is none yet. */
export function pick(
  model: Model,
  real: Real,
  index: number,
): { lease: Lease; share: Share; at: number } | undefined {
  const at = model.leases.length === 0 ? -1 : index % model.leases.length
  const [lease, share] = [model.leases[at], real.shares[at]]
  return lease && share && { lease, share, at }
}

/** Everything live may from now on end for this reason too. */
export function mayEnd(model: Model, real: Real, reason: EndReason): void {
  for (const [at, lease] of model.leases.entries())
    if (real.shares[at]?.state === 'pended') lease.possible.add(reason)
}

/** Checks what holds after every command. */
export async function check(model: Model, real: Real): Promise<void> {
  for (const [at, share] of real.shares.entries()) {
    const lease = model.leases[at]
    assert.ok(lease)
    if (share.state !== 'ended') continue
    // Listed anew each time: a share may end while the end of another is awaited.
    assert.ok(!real.device.shares().includes(share), `share ${share.id} has ended and is listed`)
    const { reason } = await share.ended
    assert.ok(
      lease.possible.has(reason),
      `share ${share.id} ended as ${reason}; possible: ${[...lease.possible].join(', ') || 'no end'}`,
    )
  }
  for (const share of real.device.shares())
    assert.ok(real.shares.includes(share), `share ${share.id} is listed, but was never given`)
  for (const slot of model.sealed)
    assertFilled(memory(real, slot), SENTINEL, `memory ${slot} was touched after its end`)
  if (model.device === 'closed') assert.equal(real.device.state, 'closed')
}

/** The end of a run: everything drains, and everyone got the same End. */
export async function finish({ context, device, shares, answers }: Real): Promise<void> {
  await context.within('close()', device.close())
  for (const share of shares) assert.equal(share.state, 'ended')
  for (const { share, end } of answers)
    assert.equal(
      await context.within('an answer', end),
      await share.ended,
      `the askers of share ${share.id} got different Ends`,
    )
}

export function memory(real: Real, slot: number): Uint8Array {
  const region = real.regions[slot]
  assert.ok(region)
  return region.memory
}
