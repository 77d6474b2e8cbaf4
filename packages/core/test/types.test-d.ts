/** What the compiler must accept and refuse; checked by tsc alone. */
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import {
  type Backend,
  type BackendEvent,
  type Batch,
  createOpen,
  type Device,
  type Doorbell,
  definePeer,
  type End,
  type EndReason,
  type Frame,
  type Frames,
  type Listening,
  type ListenOptions,
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
device.share({ peer: 'capture', frames: { count: 4, bytes: 4096 } })
device.share({ peer: 'capture', frames: { count: 4, bytes: 4096 }, peerOptions: { periodNs: 1e6, count: 9 } })
device.share({ bytes: 1 << 20, peer: 'loopback', frames: { count: 4, bytes: 4096 }, label: 'both' })
device.share(region, { peer: 'own', frames: { count: 4, bytes: 4096 }, peerOptions: new Uint8Array(8) })
// @ts-expect-error: half of what frames are
device.share({ peer: 'loopback', frames: { count: 4 } })
// @ts-expect-error: loopback takes no options
device.share({ peer: 'loopback', frames: { count: 4, bytes: 4096 }, peerOptions: { bytes: 16 } })
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

expectTypeOf(share.doorbell.listen).parameter(0).toEqualTypeOf<(count: number) => void>()
expectTypeOf<ListenOptions['signal']>().toEqualTypeOf<AbortSignal | undefined>()
// @ts-expect-error: no such option
share.doorbell.listen(() => {}, { once: true })
expectTypeOf(
  share.ring.listen((batch) => expectTypeOf(batch).toEqualTypeOf<Batch>()),
).toEqualTypeOf<Listening>()
share.ring.listenSamples(Float64Array, ({ samples }) => expectTypeOf(samples).toExtend<Float64Array>())
share.frames.listen((frame) => expectTypeOf(frame).toEqualTypeOf<Frame>(), {})
expectTypeOf<Listening>().toExtend<Disposable>()

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
expectTypeOf(share.frames).toEqualTypeOf<Frames>()
expectTypeOf(share.frames.direction).toEqualTypeOf<'capture' | 'playback'>()
expectTypeOf(share.frames.poll()).toEqualTypeOf<Frame | undefined>()
expectTypeOf(share.frames.acquire()).resolves.toEqualTypeOf<Frame>()
expectTypeOf(share.frames.latest()).toEqualTypeOf<AsyncGenerator<Frame, undefined, undefined>>()
expectTypeOf(share.frames.toReadable()).toEqualTypeOf<ReadableStream<Uint8Array<ArrayBuffer>>>()
expectTypeOf(share.frames.toWritable()).toEqualTypeOf<WritableStream<Uint8Array>>()
declare const frame: Frame
expectTypeOf(frame.timestampNs).toEqualTypeOf<bigint>()
expectTypeOf(frame.hold()).toEqualTypeOf<Frame>()
frame.submit(4096, { flags: 0x10000, timestampNs: 1n })
// @ts-expect-error: time stamps are of 64 bits
frame.submit(4096, { timestampNs: 1 })
// @ts-expect-error: a frame is as long as its content
frame.submit()
// @ts-expect-error: read-only
frame.bytes = 0
// @ts-expect-error: read-only
share.state = 'ended'
// @ts-expect-error: ends come from the driver
share.over('released', 0)

export async function disposable(): Promise<void> {
  await using opened: Device = device
  await using lent = await opened.share(region)
  for await (const count of lent.doorbell) expectTypeOf(count).toBeNumber()
  for await (using frame of lent.frames) expectTypeOf(frame).toEqualTypeOf<Frame>()
}

const camera = definePeer({
  name: 'camera0',
  speaks: 'frames',
  options: z.strictObject({ rate: z.number(), channels: z.array(z.int()).max(8).default([]) }),
  layout: { rate: 'f64', channels: ['u16', 8] },
  reply: { rate: 'f64', width: 'u32', serial: 'u64', model: ['text', 32], gains: ['f32', 2] },
})
const frames = { bytes: 4096, count: 4 }
expectTypeOf(
  device.share({ peer: camera, frames, peerOptions: { rate: 30 } }),
).resolves.branded.toEqualTypeOf<
  Share<{
    readonly rate: number
    readonly width: number
    readonly serial: bigint
    readonly model: string
    readonly gains: readonly number[]
  }>
>()
device.share(region, { peer: camera.named('camera1'), frames, peerOptions: { rate: 30, channels: [1] } })
// @ts-expect-error: the options of this peer are not optional
device.share({ peer: camera, frames })
// @ts-expect-error: a rate is a number
device.share({ peer: camera, frames, peerOptions: { rate: 'fast' } })
// @ts-expect-error: the schema makes no text for a number's field
definePeer({ name: 'a', options: z.object({ rate: z.string() }), layout: { rate: 'f64' } })
// @ts-expect-error: no such type
definePeer({ name: 'a', layout: { rate: 'f128' } })
// Without a schema the layout says what there is.
const plain = definePeer({ name: 'plain', layout: { gain: 'u32', name: ['text', 8] } })
device.share({ bytes: 4096, peer: plain })
device.share({ bytes: 4096, peer: plain, peerOptions: { gain: 3, name: 'a' } })
// @ts-expect-error: no such field
device.share({ bytes: 4096, peer: plain, peerOptions: { loss: 3 } })
device.share({ peer: 'capture', frames })
device.share({ peer: 'capture', frames, peerOptions: { periodNs: 0, count: 3 } })
