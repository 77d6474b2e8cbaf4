/**
 * The only argument checks: every value from outside passes one of these schemas or is refused with
 * `ERR_PENDSHARE_INVALID_ARGUMENT` and the path of what is wrong. The option types are inferred from them.
 */
import { types } from 'node:util'
import { z } from 'zod'
import type { Access, Backend, DeviceInfo } from './contract.ts'
import { PendshareError } from './errors.ts'
import {
  type BlastOptions,
  type ClockOptions,
  encodePeerOptions,
  type FillOptions,
  isBuiltInPeer,
  peerSchemas,
} from './peers.ts'

const NAME_BYTES = 31
const OPTION_BYTES = 64
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
  /** Kernel peer that uses the share, at most 31 characters of ASCII. Default: none, the memory is only pinned. */
  peer: z
    .string()
    .regex(/^[\x21-\x7e]{0,31}$/, `expected at most ${NAME_BYTES} printable ASCII characters`)
    .default(''),
  peerOptions: z.unknown().optional(),
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
  | { peer?: (string & {}) | undefined; peerOptions?: Uint8Array | undefined }

export type ShareOptions = Omit<z.input<typeof shareOptions>, 'peer' | 'peerOptions'> & PeerChoice
/** `share()` without a region of one's own: new memory of this length, whole pages. */
export type ShareBytes = ShareOptions & { bytes: number }

/** The first look at `ShareBytes`; the rest of its keys are share options. */
export const shareBytes = z
  .looseObject(
    { bytes: byteCount },
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
    { peer, access, peerOptions }: z.output<typeof shareOptions>,
    bytes: number,
  ): Uint8Array => {
    if (isBuiltInPeer(peer)) {
      const checked = parse(peers[peer], { bytes, access, peerOptions: peerOptions ?? {} }, 'share()')
      return encodePeerOptions(peer, checked.peerOptions)
    }
    // Copied: the caller may reuse the bytes before a pin off the event loop has read them.
    return parse(ownPeer, { peerOptions }, 'share()').peerOptions?.slice() ?? NO_OPTIONS
  }
  return (options, bytes) => {
    const checked = parse(shareOptions, options, 'share()')
    return {
      access: checked.access,
      peer: checked.peer,
      peerOptions: encode(checked, bytes),
      event: checked.doorbell === undefined ? undefined : BigInt(checked.doorbell),
      label: checked.label,
      signal: checked.signal,
      deadlineMs: checked.deadlineMs,
    }
  }
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
