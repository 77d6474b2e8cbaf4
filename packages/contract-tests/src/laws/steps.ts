/** What many laws do: lend memory to a peer, wait for its rings, look at every byte, keep other shares busy. */
import assert from 'node:assert/strict'
import type { Batch, Device, Share, ShareBytes, ShareOptions } from '@pendshare/core'
import { PendshareError } from '@pendshare/core'
import type { Context } from '../context.ts'

/** A value that no peer and no fresh memory has anywhere. */
export const SENTINEL = 0xa5

/** Rounds of what each round takes a step or two for. */
export const MANY_ROUNDS = 100
/** Rounds of what opens a device, or waits for time to pass. */
export const FEW_ROUNDS = 20

/** The batches of a share until it ends, or the loop is left; each step is bounded by the watchdog. */
export async function* batchesOf(context: Context, share: Share): AsyncGenerator<Batch, undefined> {
  const batches = share.ring.batches()
  try {
    for (;;) {
      const step = await context.within('a batch of records', batches.next())
      if (step.done) return
      yield step.value
    }
  } finally {
    await batches.return(undefined)
  }
}

/** Lends `pages` new pages. */
export function lend(
  context: Context,
  device: Device,
  pages: number,
  options: ShareOptions = {},
): Promise<Share> {
  return context.within(
    `share() for the peer '${options.peer ?? ''}'`,
    // The union of the peers' options does not survive a spread.
    device.share({ ...options, bytes: pages * device.info.pageSize } as ShareBytes),
  )
}

/** A fill again and again, by default at a period that a slow machine keeps up with. */
export function busyFill(device: Device, rounds = 0, periodNs = 100_000): ShareOptions {
  return { peer: 'fill', peerOptions: { periodNs: Math.max(device.info.minPeriodNs, periodNs), rounds } }
}

/** Waits until the doorbell has rung `total` times since the share began. */
export async function rung(context: Context, share: Share, total: number): Promise<void> {
  while (share.doorbell.total < total)
    await context.within(`ring ${total} of the doorbell, ${share.doorbell.total} came`, share.doorbell.wait())
}

/** Fails unless every byte is `value`. */
export function assertFilled(memory: Uint8Array, value: number, what: string): void {
  const odd = memory.findIndex((byte) => byte !== value)
  if (odd >= 0) assert.fail(`${what}: byte ${odd} is ${memory[odd]}, not ${value}`)
}

/** Lets another share on the same device be filled until its peer ends it: time in which a stray peer would write. */
export async function stir(context: Context, device: Device, rounds = 10): Promise<void> {
  const other = await lend(context, device, 1, busyFill(device, rounds))
  const end = await context.within('the end of a fill of few rounds', other.ended)
  assert.equal(end.reason, 'peer-ended')
}

/** Fails unless `attempt`, called in this tick, throws or rejects with this code. */
export async function rejects(
  context: Context,
  what: string,
  code: string,
  attempt: () => unknown,
): Promise<PendshareError> {
  let answer: unknown
  try {
    answer = await context.within(what, Promise.resolve(attempt()))
  } catch (error) {
    assert.ok(error instanceof PendshareError, `${what} gets no PendshareError but ${String(error)}`)
    assert.equal(error.code, code, `${what}: ${error.message}`)
    return error
  }
  assert.fail(`${what} is not refused with ${code}, but gives ${String(answer)}`)
}
