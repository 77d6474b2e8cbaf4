/**
 * The only argument checks: every value from outside passes one of these schemas or is refused with
 * `ERR_PENDSHARE_INVALID_ARGUMENT` and the path of what is wrong. The option types are inferred from them.
 */
import { types } from 'node:util'
import { z } from 'zod'
import type { Access, Backend, DeviceInfo } from './contract.ts'
import { PendshareError } from './errors.ts'
import { FRAMES_MAX_BYTES, FRAMES_MAX_COUNT, framesLength } from './frames/layout.ts'
import {
  type BlastOptions,
  BUILT_IN_PEERS,
  type CaptureOptions,
  type ClockOptions,
  encodePeerOptions,
  type FillOptions,
  isBuiltInPeer,
  peerSchemas,
} from './peer/built-in.ts'
import { isDefinition, OPTION_BYTES, type PeerDefinition } from './peer/define.ts'

const NAME_BYTES = 31
const NO_OPTIONS: Uint8Array = new Uint8Array(0)

const uint8Array = z.custom<Uint8Array>((value) => types.isUint8Array(value), 'expected a Uint8Array')
const signal = z.instanceof(AbortSignal, { error: 'expected an AbortSignal' })

/** Options, and a word for those who give the signal in their place. */
function notSignal<S extends z.ZodType>(options: S): S {
  return z.preprocess((value, context) => {
    if (!(value instanceof AbortSignal)) return value
    context.addIssue({ code: 'custom', message: 'expected { signal }, not the signal itself' })
    return z.NEVER
  }, options) as unknown as S
}

const backend = z.custom<Backend>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'open' in value &&
    typeof value.open === 'function',
  'expected the name of a backend or a Backend',
)

export const openOptions = z.strictObject({
  /** `linux`, `windows`, `mock`, or a backend of one's own. Default: `PENDSHARE_BACKEND`, else this system's. */
  backend: z
    .union([z.string().min(1), backend], { error: 'expected the name of a backend or a Backend' })
    .optional(),
  /** Path or name of the device, where there can be several. */
  path: z.string().min(1).optional(),
  /** How the doorbell reaches the event loop, where a backend has several ways. */
  wakeup: z.string().min(1).optional(),
})
export type OpenOptions = z.input<typeof openOptions>

export const regionOptions = z.strictObject({
  /** Lend an ArrayBuffer or Buffer all the same; the caller sees to it that nothing detaches it while it is lent. */
  trustDetachable: z.boolean().default(false),
})
export type RegionOptions = z.input<typeof regionOptions>

export const regionView = uint8Array
export const byteCount = z.int().min(1)
export const waitOptions = notSignal(
  z.strictObject({
    /** Gives the wait up: it rejects with `signal.reason`. The share goes on. */
    signal: signal.optional(),
  }),
)
export type WaitOptions = z.input<typeof waitOptions>
export const listener = z.custom((value) => typeof value === 'function', 'expected a function')
export const listenOptions = notSignal(
  z.strictObject({
    /** Takes the listener away. The share goes on. */
    signal: signal.optional(),
  }),
)
export type ListenOptions = z.input<typeof listenOptions>
export const readableOptions = notSignal(
  z.strictObject({
    /** Errors the stream with `signal.reason`. The share goes on. */
    signal: signal.optional(),
    /** Bytes of payload that are copied ahead of the read that wants them, 0 to 2^31 - 1. Default 0: one record, when it is wanted. */
    highWaterMark: z.int().min(0).max(0x7fffffff).default(0),
  }),
)
export type ReadableOptions = z.input<typeof readableOptions>
export const sampleConstructor = z.custom(
  (value) => typeof value === 'function' && 'BYTES_PER_ELEMENT' in value,
  'expected the constructor of a typed array',
)

const shareOptions = z.strictObject({
  /** What the kernel may do with the memory. Default: `readwrite`. */
  access: z.enum(['read', 'write', 'readwrite']).default('readwrite'),
  /**
   * Kernel peer that uses the share: its name, at most 31 characters of ASCII, or what `definePeer()` returned. Default: none, the
   * memory is only pinned.
   */
  peer: z
    .union(
      [
        z.string().regex(/^[\x21-\x7e]{0,31}$/, `expected at most ${NAME_BYTES} printable ASCII characters`),
        z.custom<PeerDefinition>(isDefinition),
      ],
      { error: 'expected string, or what definePeer() returned' },
    )
    .default(''),
  peerOptions: z.unknown().optional(),
  /**
   * Slots that the share is cut into, for a peer that speaks frames: `count` (1 to 4096) of `bytes` (whole pages, at most 1 GiB) each.
   * With them `bytes` of the share need not be given.
   */
  frames: z
    .strictObject({
      bytes: z.int().min(1).max(FRAMES_MAX_BYTES),
      count: z.int().min(1).max(FRAMES_MAX_COUNT),
    })
    .optional(),
  /** Native event to signal at each ring besides: an eventfd, or a Windows event handle. */
  doorbell: z
    .union([z.int().min(0), z.bigint().min(0n)], { error: 'expected an eventfd or event handle' })
    .optional(),
  /** Shown to administrators, at most 31 bytes of UTF-8. */
  label: z
    .string()
    .refine((text) => Buffer.byteLength(text) <= NAME_BYTES && !text.includes('\0'), {
      error: `expected at most ${NAME_BYTES} bytes of UTF-8 without NUL`,
    })
    .default(''),
  /**
   * Aborted before acceptance: `share()` rejects with its reason. Later: the share ends as `cancelled`, with the reason as
   * `end.cause`; iterations over its doorbell and ring end with it and do not throw.
   */
  signal: signal.optional(),
  /** Milliseconds from acceptance until the driver ends the share as `deadline`, 1 to 2^31 - 1. */
  deadlineMs: z.int().min(1).max(0x7fffffff).optional(),
})

/** The peer and its options: typed for the built-in ones, bytes for one's own. */
export type PeerChoice =
  | { peer: 'fill'; peerOptions?: FillOptions | undefined }
  | { peer: 'clock'; peerOptions: ClockOptions }
  | { peer: 'blast'; peerOptions?: BlastOptions | undefined }
  | { peer: 'echo'; peerOptions?: Record<string, never> | undefined }
  | { peer: 'capture'; frames: FramesOption; peerOptions?: CaptureOptions | undefined }
  | { peer: 'loopback'; frames: FramesOption; peerOptions?: Record<string, never> | undefined }
  | { peer?: (string & {}) | undefined; peerOptions?: Uint8Array | undefined }

/** A peer of one's own as `definePeer()` describes it, and its options. */
export type DefinedPeer<Input, Options, Reply> = { peer: PeerDefinition<Input, Options, Reply> } & (Record<
  never,
  never
> extends Input
  ? { peerOptions?: Input | undefined }
  : { peerOptions: Input })
/** `ShareOptions` with a peer of one's own. */
export type DefinedOptions<Input, Options, Reply> = Omit<
  z.input<typeof shareOptions>,
  'peer' | 'peerOptions'
> &
  DefinedPeer<Input, Options, Reply>
/** `ShareBytes` with a peer of one's own. */
export type DefinedBytes<Input, Options, Reply> = DefinedOptions<Input, Options, Reply> &
  ({ bytes: number } | { frames: FramesOption })

export type FramesOption = NonNullable<z.input<typeof shareOptions>['frames']>
export type ShareOptions = Omit<z.input<typeof shareOptions>, 'peer' | 'peerOptions'> & PeerChoice
/** `share()` without a region of one's own: new memory of this length, whole pages, or as long as the frames take. */
export type ShareBytes = ShareOptions & ({ bytes: number } | { frames: FramesOption })

/** The first look at `ShareBytes`; the rest of its keys are share options. */
export const shareBytes = z
  .looseObject(
    { bytes: byteCount.optional(), frames: z.unknown().optional() },
    { error: 'expected a Region, or { bytes, … }; Region.from() makes a region of a view' },
  )
  .refine(({ memory }) => !types.isUint8Array(memory), {
    error: 'a Region does not survive postMessage(); post its memory, and share Region.from(memory)',
  })

/** Checked options, as a share keeps them. */
export interface CheckedOptions {
  readonly access: Access
  readonly peer: string
  readonly peerOptions: Uint8Array
  /** Of the peer, where it was defined. */
  readonly definition: PeerDefinition | undefined
  readonly frames: { readonly count: number; readonly bytes: number } | undefined
  readonly event: bigint | undefined
  readonly label: string
  readonly signal: AbortSignal | undefined
  readonly deadlineMs: number | undefined
}

/** What `share(region)` means. */
export const DEFAULT_OPTIONS: CheckedOptions = Object.freeze({
  access: 'readwrite',
  peer: '',
  peerOptions: NO_OPTIONS,
  definition: undefined,
  frames: undefined,
  event: undefined,
  label: '',
  signal: undefined,
  deadlineMs: undefined,
})

/** The check of the options of a share of `bytes`, on a device with these limits. */
export function shareOptionsCheck(info: DeviceInfo): (options: unknown, bytes: number) => CheckedOptions {
  const peers = peerSchemas(info.minPeriodNs)
  const ownPeer = z.object({
    peerOptions: uint8Array
      .refine((bytes) => bytes.byteLength <= OPTION_BYTES, `expected at most ${OPTION_BYTES} bytes`)
      .optional(),
  })
  const encode = (
    { peer, access, peerOptions, frames }: z.output<typeof shareOptions>,
    bytes: number,
  ): Uint8Array => {
    if (typeof peer === 'object') return peer.encode(peerOptions)
    if (isBuiltInPeer(peer)) {
      const checked = parse(peers[peer], { bytes, access, frames, peerOptions: peerOptions ?? {} }, 'share()')
      return encodePeerOptions(peer, checked.peerOptions)
    }
    // Copied: the caller may reuse the bytes before a pin off the event loop has read them.
    return parse(ownPeer, { peerOptions }, 'share()').peerOptions?.slice() ?? NO_OPTIONS
  }
  const checkFrames = ({ frames, peer, access }: z.output<typeof shareOptions>, bytes: number): void => {
    if (frames === undefined) {
      if (typeof peer === 'object' && peer.speaks === 'frames')
        throw wrongFrames(`peer '${peer.name}' speaks frames: give frames: { bytes, count }`)
      return
    }
    const length = framesLength(frames.count, frames.bytes, info.pageSize)
    if (frames.bytes % info.pageSize !== 0)
      throw wrongFrames(`bytes: expected whole pages of ${info.pageSize} bytes, not ${frames.bytes}`)
    if (bytes < length)
      throw wrongFrames(`${frames.count} slots of ${frames.bytes} bytes take ${length}, not ${bytes}`)
    if (access !== 'readwrite') throw wrongFrames("access has to be 'readwrite'")
    if (peer === '') throw wrongFrames('a peer lays them out, and there is none')
    if (!maySpeakFrames(peer))
      throw wrongFrames(`peer '${typeof peer === 'object' ? peer.name : peer}' speaks none`)
  }
  return (options, bytes) => {
    const checked = parse(shareOptions, options, 'share()')
    checkFrames(checked, bytes)
    return {
      access: checked.access,
      peer: typeof checked.peer === 'object' ? checked.peer.name : checked.peer,
      definition: typeof checked.peer === 'object' ? checked.peer : undefined,
      peerOptions: encode(checked, bytes),
      frames: checked.frames,
      event: checked.doorbell === undefined ? undefined : BigInt(checked.doorbell),
      label: checked.label,
      signal: checked.signal,
      deadlineMs: checked.deadlineMs,
    }
  }
}

/** The length of new memory for a share: `bytes`, or what the frames take. */
export function bytesOf({ bytes, frames }: z.output<typeof shareBytes>, pageSize: number): number {
  if (bytes !== undefined) return bytes
  const of =
    frames === undefined ? undefined : parse(shareOptions.shape.frames, frames, 'share()', ['frames'])
  return of === undefined
    ? parse(byteCount, bytes, 'share()', ['bytes'])
    : framesLength(of.count, of.bytes, pageSize)
}

/** What a peer known by its name alone speaks, only its driver knows. */
function maySpeakFrames(peer: string | PeerDefinition): boolean {
  if (typeof peer === 'object') return peer.speaks === 'frames'
  return !isBuiltInPeer(peer) || BUILT_IN_PEERS[peer].frames
}

function wrongFrames(what: string): PendshareError {
  return new PendshareError('ERR_PENDSHARE_INVALID_ARGUMENT', `share(): frames: ${what}`)
}

/** Returns the checked value with its defaults, or throws `ERR_PENDSHARE_INVALID_ARGUMENT` with every path. */
export function parse<S extends z.ZodType>(
  schema: S,
  value: unknown,
  call: string,
  at: readonly PropertyKey[] = [],
): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const wrong = result.error.issues.map((issue) => {
    const path = z.core.toDotPath([...at, ...issue.path])
    return path === '' ? issue.message : `${path}: ${issue.message}`
  })
  throw new PendshareError('ERR_PENDSHARE_INVALID_ARGUMENT', `${call}: ${wrong.join('; ')}`, {
    cause: result.error,
  })
}
