/** What the compiler must accept and refuse; checked by tsc alone. */
import { expectTypeOf } from 'vitest'
import {
  type Backend,
  type BackendEvent,
  createOpen,
  type Device,
  type Doorbell,
  type End,
  type EndReason,
  type OpenOptions,
  open,
  type PendshareError,
  Region,
  type Share,
  type ShareOptions,
} from '../src/index.ts'

declare const device: Device
declare const share: Share
declare const backend: Backend
declare const region: Region
declare const error: PendshareError

declare const end: End
if (end.reason === 'failed') expectTypeOf(end.error).toEqualTypeOf<PendshareError>()
else expectTypeOf(end.error).toEqualTypeOf<undefined>()
if (end.reason === 'cancelled') expectTypeOf(end.cause).toEqualTypeOf<unknown>()
if (end.reason === 'released') expectTypeOf(end.cause).toEqualTypeOf<undefined>()
expectTypeOf(end.reason).toEqualTypeOf<EndReason>()
// @ts-expect-error: failed without its error
;({ reason: 'failed', bytes: 0, heldForMs: 0 }) satisfies End
declare const event: BackendEvent
if (event.kind === 'end' && event.reason === 'failed')
  expectTypeOf(event.error).toEqualTypeOf<PendshareError>()
  // @ts-expect-error: failed without its error
;({ id: 1, kind: 'end', reason: 'failed', bytes: 0 }) satisfies BackendEvent
// @ts-expect-error: an error without a failure
;({ id: 1, kind: 'end', reason: 'closed', bytes: 0, error }) satisfies BackendEvent

expectTypeOf(open).toEqualTypeOf<(options?: OpenOptions) => Promise<Device>>()
expectTypeOf(createOpen({ mock: async () => backend })).returns.resolves.toEqualTypeOf<Device>()
open({ backend, path: '/dev/pendshare', wakeup: 'poll' })
// @ts-expect-error: unknown option
open({ mock: true })
// @ts-expect-error: half a backend
open({ backend: { name: 'half' } })

expectTypeOf(device.share(region)).resolves.toEqualTypeOf<Share>()
device.share(region, { access: 'read', label: 'frames', deadlineMs: 10, doorbell: 3n })
device.share({ bytes: 4096 })
device.share({ bytes: 4096, peer: 'fill' })
device.share({ bytes: 4096, peer: 'fill', peerOptions: { rounds: 3 } })
device.share({ bytes: 8192, peer: 'clock', peerOptions: { periodNs: 100_000 } })
device.share({ bytes: 8192, peer: 'blast', peerOptions: { payload: 64, count: 10 } })
device.share({ bytes: 16_384, peer: 'echo' })
device.share({ bytes: 4096, peer: 'own', peerOptions: new Uint8Array(8) })
// @ts-expect-error: neither a region nor bytes
device.share({ peer: 'fill' })
// @ts-expect-error: memory without a region
device.share(new Uint8Array(4096))
// @ts-expect-error: no such access
device.share(region, { access: 'none' })
// @ts-expect-error: no such option
device.share(region, { timeout: 1 })
// @ts-expect-error: options of another peer
device.share(region, { peer: 'blast', peerOptions: { periodNs: 100_000 } })
// @ts-expect-error: options of one's own peer are bytes
device.share(region, { peer: 'own', peerOptions: { rate: 1 } })
// @ts-expect-error: a region is made by allocate() or from()
new Region(new Uint8Array(4096))

expectTypeOf<ShareOptions['signal']>().toEqualTypeOf<AbortSignal | undefined>()
expectTypeOf(share.memory).toEqualTypeOf<Uint8Array>()
expectTypeOf(share.state).toEqualTypeOf<'sharing' | 'pended' | 'ending' | 'ended'>()
expectTypeOf(share.release).toEqualTypeOf<() => Promise<End>>()
expectTypeOf(share.cancel).parameters.toEqualTypeOf<[reason?: unknown]>()
expectTypeOf(share.ended).resolves.toEqualTypeOf<End>()
expectTypeOf<End['reason']>().toEqualTypeOf<EndReason>()
expectTypeOf<End['error']>().toEqualTypeOf<PendshareError | undefined>()
expectTypeOf(share.doorbell).toEqualTypeOf<Doorbell>()
expectTypeOf(share.doorbell.wait({ signal: new AbortController().signal })).resolves.toBeNumber()
// @ts-expect-error: read-only
share.state = 'ended'
// @ts-expect-error: ends come from the driver
share.over('released', 0)

export async function disposable(): Promise<void> {
  await using opened: Device = device
  await using lent = await opened.share(region)
  for await (const count of lent.doorbell) expectTypeOf(count).toBeNumber()
}
