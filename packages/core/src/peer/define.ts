/** A kernel peer of one's own, described once for TypeScript: its name, its options, its reply, and what it makes of the memory. */
import { z } from 'zod'
import { PendshareError } from '../errors.ts'
import { type Layout, type LayoutInput, type LayoutOutput, Misfit, Struct } from './layout.ts'

/** `PENDSHARE_OPTIONS_MAX` and `PENDSHARE_REPLY_MAX` of abi.h. */
export const OPTION_BYTES = 4096
export const REPLY_BYTES = 256
const NAME = /^[\x21-\x7e]{1,31}$/

/** What a peer makes of the memory of a share. */
export type Speaks = 'memory' | 'ring' | 'frames'

/** A schema of zod, or of any other library that speaks Standard Schema (https://standardschema.dev). It has to check at once. */
export interface OptionsSchema<Input = unknown, Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
  }
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

export interface PeerDescription<
  S extends OptionsSchema<unknown, LayoutInput<L>>,
  L extends Layout,
  R extends Layout,
> {
  /** What the driver adds the peer as, 1 to 31 printable ASCII characters; see `PeerDefinition.named()`. */
  readonly name: string
  /** Default: `memory`. */
  readonly speaks?: Speaks
  /** Checks `peerOptions`, and makes of them what `layout` holds. */
  readonly options?: S
  /** The structure that the peer gets in `attach`, at most 4096 bytes. */
  readonly layout?: L
  /** The structure that it answers with, at most 256 bytes. */
  readonly reply?: R
}

/**
 * What `device.share({ peer })` takes beside a name. `Input`: the options that a program gives; `Options`: as the peer gets them;
 * `Reply`: what `share.reply` is.
 */
export interface PeerDefinition<Input = unknown, Options = unknown, Reply = unknown> {
  readonly name: string
  readonly speaks: Speaks
  /** Bytes of the reply; 0: there is none. */
  readonly replyBytes: number
  /** The same for another device of the kind, `edu1` for instance. */
  named(name: string): PeerDefinition<Input, Options, Reply>
  /**
   * Checks options and lays them out for the peer.
   *
   * @throws PendshareError `ERR_PENDSHARE_INVALID_ARGUMENT`
   */
  encode(options: Input): Uint8Array
  /** The options as the peer gets them: for a peer of the mock's. */
  decode(options: Uint8Array): Options
  /**
   * Lays a reply out, as a peer of the mock's gives it; what is left out is 0.
   *
   * @throws PendshareError `ERR_PENDSHARE_INVALID_ARGUMENT`
   */
  encodeReply(reply: { readonly [K in keyof Reply]?: unknown }): Uint8Array
  decodeReply(reply: Uint8Array): Reply
}

const defined = new WeakSet<object>()

export function isDefinition(value: unknown): value is PeerDefinition {
  return typeof value === 'object' && value !== null && defined.has(value)
}

type InputOf<S> = S extends {
  readonly '~standard': { readonly types?: { readonly input: infer I } | undefined }
}
  ? I
  : never

const description = z.strictObject({
  name: z.string().regex(NAME, 'expected 1 to 31 printable ASCII characters'),
  speaks: z.enum(['memory', 'ring', 'frames']).default('memory'),
  options: z
    .custom<OptionsSchema>(
      (value) => typeof value === 'object' && value !== null && '~standard' in value,
      'expected a schema, z.object({ … }) for instance',
    )
    .optional(),
  layout: layoutOf(OPTION_BYTES).default({}),
  reply: layoutOf(REPLY_BYTES).default({}),
})

/**
 * Describes a peer of one's own, so that its options are checked and completed, and its reply is typed.
 *
 * @throws PendshareError `ERR_PENDSHARE_INVALID_ARGUMENT`
 */
export function definePeer<
  const L extends Layout = Record<never, never>,
  const R extends Layout = Record<never, never>,
  S extends OptionsSchema<unknown, LayoutInput<L>> = OptionsSchema<LayoutInput<L>, LayoutInput<L>>,
>(given: PeerDescription<S, L, R>): PeerDefinition<InputOf<S>, LayoutOutput<L>, LayoutOutput<R>> {
  const checked = description.safeParse(given)
  if (!checked.success)
    throw new PendshareError(
      'ERR_PENDSHARE_INVALID_ARGUMENT',
      `definePeer(): ${z.prettifyError(checked.error)}`,
    )
  const { name, speaks, options: schema, layout, reply } = checked.data
  const optionsStruct = new Struct(layout as unknown as L)
  const replyStruct = new Struct(reply as unknown as R)
  const definition: PeerDefinition<InputOf<S>, LayoutOutput<L>, LayoutOutput<R>> = {
    name,
    speaks,
    replyBytes: replyStruct.size,
    named: (other) => definePeer({ ...given, name: other }),
    encode: (options) =>
      encoding('peerOptions', () => optionsStruct.encode(validate(schema, options) as LayoutInput<L>)),
    decode: (bytes) => optionsStruct.decode(bytes),
    encodeReply: (values) => encoding('reply', () => replyStruct.encode(values as LayoutInput<R>)),
    decodeReply: (bytes) => replyStruct.decode(bytes),
  }
  defined.add(definition)
  return Object.freeze(definition)
}

function layoutOf(most: number) {
  const scalar = z.enum(['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'u64', 'i64', 'f32', 'f64'])
  const field = z.union(
    [scalar, z.tuple([scalar, z.int().min(1)]), z.tuple([z.literal('text'), z.int().min(1)])],
    { error: "expected 'u32' for instance, ['u16', 8], or ['text', 32]" },
  )
  return z
    .record(z.string(), field)
    .refine((layout) => new Struct(layout as Layout).size <= most, `expected at most ${most} bytes`)
}

function validate(schema: OptionsSchema | undefined, options: unknown): unknown {
  if (schema === undefined) return options ?? {}
  const result = schema['~standard'].validate(options ?? {})
  if (result instanceof Promise)
    throw new PendshareError(
      'ERR_PENDSHARE_INVALID_ARGUMENT',
      'share(): the schema of a peer has to check at once',
    )
  if (result.issues === undefined) return result.value
  const wrong = result.issues.map(({ message, path = [] }) => {
    const keys = path.map((part) => (typeof part === 'object' ? part.key : part))
    return `${z.core.toDotPath(['peerOptions', ...keys])}: ${message}`
  })
  throw new PendshareError('ERR_PENDSHARE_INVALID_ARGUMENT', `share(): ${wrong.join('; ')}`)
}

function encoding(what: string, encode: () => Uint8Array): Uint8Array {
  try {
    return encode()
  } catch (error) {
    if (!(error instanceof Misfit)) throw error
    const path = z.core.toDotPath([what, ...error.path])
    throw new PendshareError('ERR_PENDSHARE_INVALID_ARGUMENT', `share(): ${path}: ${error.message}`, {
      cause: error,
    })
  }
}
