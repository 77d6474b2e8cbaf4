/** The ways in which a live share comes to its end: what has to be set up for each, and what brings it about. */
import type { Device, EndReason, Share, ShareOptions } from '@pendshare/core'
import type { Context } from '../context.ts'
import type { Need } from '../subject.ts'
import { busyFill, lend } from './steps.ts'

/** A live share that a peer is writing, and all that can end it. */
export interface Scene {
  readonly context: Context
  readonly device: Device
  readonly share: Share
  /** Of the share's signal. */
  readonly controller: AbortController
  /** By `performance.now()`, when the share was accepted. */
  readonly since: number
}

export interface Way {
  readonly name: string
  readonly reason: EndReason
  readonly needs: readonly Need[]
  /** Decided by a call of this program: when two such calls race, the first one wins. */
  readonly called: boolean
  /** The device is of no use afterwards. */
  readonly spends?: true
  readonly options?: ShareOptions
  /** Brings the end about in this tick. Resolves with what the caller gets. */
  begin(scene: Scene): unknown
}

export const DEADLINE_MS = 4

export const ways: readonly Way[] = [
  { name: 'release', reason: 'released', needs: [], called: true, begin: ({ share }) => share.release() },
  { name: 'cancel', reason: 'cancelled', needs: [], called: true, begin: ({ share }) => share.cancel() },
  {
    name: 'abort',
    reason: 'cancelled',
    needs: [],
    called: true,
    begin: ({ share, controller }) => {
      controller.abort()
      return share.ended
    },
  },
  {
    name: 'disposal',
    reason: 'cancelled',
    needs: [],
    called: true,
    begin: ({ share }) => share[Symbol.asyncDispose](),
  },
  {
    name: 'close',
    reason: 'closed',
    needs: [],
    called: true,
    spends: true,
    begin: ({ device }) => device.close(),
  },
  {
    name: 'the peer',
    reason: 'peer-ended',
    needs: ['peer fill'],
    called: false,
    options: { peer: 'fill', peerOptions: { rounds: 2 } },
    begin: ({ share }) => {
      // The first fill came at once; the notification is for the second and last one.
      if (share.state === 'pended') share.notify()
      return share.ended
    },
  },
  {
    name: 'deadline',
    reason: 'deadline',
    needs: ['deadline'],
    called: false,
    options: { deadlineMs: DEADLINE_MS },
    begin: ({ share }) => share.ended,
  },
  {
    name: 'recall',
    reason: 'recalled',
    needs: ['recall'],
    called: false,
    begin: ({ context }) => context.subject.hooks?.recall?.(1),
  },
  {
    name: 'removal',
    reason: 'device-removed',
    needs: ['remove'],
    called: false,
    spends: true,
    begin: ({ context }) => context.subject.hooks?.remove?.(),
  },
]

/** Lends memory so that any of the given ways can end it, and waits until the peer writes it or it has ended. */
export async function stage(context: Context, device: Device, chosen: readonly Way[]): Promise<Scene> {
  const controller = new AbortController()
  const needed = chosen.map(({ options }) => options)
  const share = await lend(
    context,
    device,
    2,
    Object.assign(busyFill(device), { signal: controller.signal }, ...needed),
  )
  const since = performance.now()
  const rung = share.doorbell.wait().catch(() => {})
  await context.within('the first ring of a fill', Promise.race([rung, share.ended]))
  return { context, device, share, controller, since }
}
