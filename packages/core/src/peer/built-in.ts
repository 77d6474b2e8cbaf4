/**
 * The peers that every driver brings: what access they need, what options they take, and how those are laid out for
 * the driver (the option structures of abi.h: 64-bit little-endian fields).
 */
import { z } from 'zod'
import type { Access } from '../contract.ts'
import { RING_DATA, RING_MIN_CAPACITY } from '../ring/layout.ts'
import { Struct } from './layout.ts'

const HOUR_NS = 3_600_000_000_000
const count = z.int().min(0).default(0)
const runs = z.boolean().default(false)

interface PeerTraits {
  /** Rings it lays out from the start of the share: none, one, or two halves (from the peer, to the peer). */
  readonly rings: 0 | 1 | 2
  /** Whether it speaks frames. */
  readonly frames: boolean
  /** Option fields in the order of the peer's structure in abi.h. */
  readonly fields: readonly string[]
}

export const BUILT_IN_PEERS = {
  fill: { rings: 0, frames: false, fields: ['periodNs', 'rounds', 'first'] },
  clock: { rings: 1, frames: false, fields: ['periodNs', 'payload', 'ticks', 'runs'] },
  blast: { rings: 1, frames: false, fields: ['payload', 'count', 'runs'] },
  echo: { rings: 2, frames: false, fields: [] },
  capture: { rings: 0, frames: true, fields: ['periodNs', 'bytes', 'count', 'written'] },
  loopback: { rings: 0, frames: true, fields: [] },
} as const satisfies Record<string, PeerTraits>

const STRUCTS = Object.fromEntries(
  Object.entries(BUILT_IN_PEERS).map(([name, { fields }]) => [
    name,
    new Struct(Object.fromEntries(fields.map((field) => [field, 'u64' as const]))),
  ]),
) as Record<BuiltInPeer, Struct<Record<string, 'u64'>>>

export type BuiltInPeer = keyof typeof BUILT_IN_PEERS

export function isBuiltInPeer(name: string): name is BuiltInPeer {
  return Object.hasOwn(BUILT_IN_PEERS, name)
}

/** What the length and the options of a share with a built-in peer must be, where `minPeriodNs` is the shortest period. */
export function peerSchemas(minPeriodNs: number) {
  const period = z.int().min(minPeriodNs).max(HOUR_NS)
  return {
    fill: z.object({
      bytes: bytes('fill'),
      access: access('fill', ['write', 'readwrite']),
      peerOptions: z.strictObject({
        /** Nanoseconds between fills; 0: the first at once, then one for each `notify()`. */
        periodNs: periodOrNone(minPeriodNs),
        /** Fills until the share ends as `peer-ended`; 0: no end. */
        rounds: count,
        /** Value of the first fill, 0 to 255; each further one is one more, modulo 256. */
        first: z.int().min(0).max(255).default(0),
      }),
    }),
    clock: z.object({
      bytes: bytes('clock'),
      access: access('clock', ['readwrite']),
      peerOptions: z.strictObject({
        /** Nanoseconds between records, from `device.info.minPeriodNs` to an hour. */
        periodNs: period,
        /** Bytes of a record, 16 to 4096. */
        payload: z.int().min(16).max(4096).default(16),
        /** Ticks until the share ends as `peer-ended`, those that made no record included; 0: no end. */
        ticks: count,
        /** The records are samples of runs, and those that come while the program is busy wait for each other. */
        runs,
      }),
    }),
    blast: z.object({
      bytes: bytes('blast'),
      access: access('blast', ['readwrite']),
      peerOptions: z.strictObject({
        /** Bytes of a record, 8 to 1 MiB. */
        payload: z
          .int()
          .min(8)
          .max(1 << 20)
          .default(64),
        /** Records until the share ends as `peer-ended`; 0: no end. */
        count,
        /** The records are samples of runs. */
        runs,
      }),
    }),
    echo: z.object({
      bytes: bytes('echo'),
      access: access('echo', ['readwrite']),
      peerOptions: z.strictObject({}),
    }),
    capture: z
      .object({
        bytes: bytes('capture'),
        access: access('capture', ['readwrite']),
        frames: frames('capture'),
        peerOptions: z.strictObject({
          /** Nanoseconds between frames; 0: as fast as slots come. */
          periodNs: periodOrNone(minPeriodNs),
          /** Bytes of a frame, a multiple of 4, from 16 to those of a slot. Default: those of a slot. */
          bytes: z.int().min(16).multipleOf(4).optional(),
          /** Frames until the share ends as `peer-ended`, those that found no slot or came too late included; 0: no end. */
          count,
          /** Bytes that are written of each frame, from 16 on; 0: all. For measurements: the rest stays as it was. */
          written: z.int().min(0).default(0),
        }),
      })
      .refine(({ frames, peerOptions }) => (peerOptions.bytes ?? 0) <= frames.bytes, {
        path: ['peerOptions', 'bytes'],
        error: 'expected at most the bytes of a slot',
      }),
    loopback: z.object({
      bytes: bytes('loopback'),
      access: access('loopback', ['readwrite']),
      frames: frames('loopback'),
      peerOptions: z.strictObject({}),
    }),
  }
}

type PeerSchemas = ReturnType<typeof peerSchemas>
export type FillOptions = z.input<PeerSchemas['fill']>['peerOptions']
export type ClockOptions = z.input<PeerSchemas['clock']>['peerOptions']
export type BlastOptions = z.input<PeerSchemas['blast']>['peerOptions']
export type CaptureOptions = z.input<PeerSchemas['capture']>['peerOptions']

/**
 * Lays checked options out for the driver. Fields of 0 at the end are left out, which means the same: a driver that does not know the
 * last of them refuses only who asks for it.
 */
export function encodePeerOptions(
  peer: BuiltInPeer,
  options: Readonly<Record<string, number | boolean | undefined>>,
): Uint8Array {
  const numbers = Object.entries(options).map(([field, value]) => [field, Number(value ?? 0)])
  const bytes = STRUCTS[peer].encode(Object.fromEntries(numbers))
  const used = 1 + bytes.findLastIndex((byte) => byte !== 0)
  return bytes.subarray(0, Math.ceil(used / 8) * 8)
}

/** Length of the share: each ring has a header page and at least a page of data. */
function bytes(peer: BuiltInPeer) {
  const least = BUILT_IN_PEERS[peer].rings * (RING_DATA + RING_MIN_CAPACITY)
  return z.int().min(least, `peer '${peer}' needs at least ${least} bytes`)
}

function periodOrNone(minPeriodNs: number) {
  return z
    .int()
    .max(HOUR_NS)
    .refine((ns) => ns === 0 || ns >= minPeriodNs, `expected 0, or ${minPeriodNs} to ${HOUR_NS}`)
    .default(0)
}

/** Checked already; here they are only missed. */
function frames(peer: BuiltInPeer) {
  return z.object(
    { count: z.int(), bytes: z.int() },
    { error: `peer '${peer}' speaks frames: give frames: { bytes, count }` },
  )
}

function access(peer: BuiltInPeer, allowed: readonly Access[]) {
  return z.enum(allowed, { error: `peer '${peer}' needs ${allowed.join(' or ')}` })
}
