/** The public names of pendshare's core, and nothing else. */
export * from './contract.ts'
export type { Choice, Device, DeviceState } from './device.ts'
export type { DoorbellMessage, EndMessage, ShareMessage } from './diagnostics.ts'
export type { Doorbell } from './doorbell.ts'
export { ERROR_CODES, type ErrorCode, PendshareError, type SystemCause } from './errors.ts'
export type { Frame, SubmitOptions } from './frames/frame.ts'
export { Frames, type FramesBell } from './frames/frames.ts'
export { formatFrames, framesLength } from './frames/layout.ts'
export type { Listening } from './listening.ts'
export { createOpen, type Loaders, open } from './open.ts'
export type { BlastOptions, CaptureOptions, ClockOptions, FillOptions } from './peer/built-in.ts'
export {
  definePeer,
  isDefinition,
  type OptionsSchema,
  type PeerDefinition,
  type PeerDescription,
  type Speaks,
} from './peer/define.ts'
export type { Field, Layout, LayoutInput, LayoutOutput, Scalar } from './peer/layout.ts'
export { Region } from './region.ts'
export type { Batch, SampleArray, SampleBatch, SampleConstructor } from './ring/batch.ts'
export { formatRing, maxPayload, ringCapacity, ringMemory } from './ring/layout.ts'
export { type RingBell, RingReader } from './ring/reader.ts'
export { RingWriter } from './ring/writer.ts'
export type {
  DefinedBytes,
  DefinedOptions,
  DefinedPeer,
  FramesOption,
  ListenOptions,
  OpenOptions,
  PeerChoice,
  ReadableOptions,
  RegionOptions,
  ShareBytes,
  ShareOptions,
  WaitOptions,
} from './schemas.ts'
export type { End, Recall, Share, ShareState } from './share.ts'
export type { ShareRing } from './share-ring.ts'
