/**
 * The peers that every driver brings: what access they need, what options they take, and how those are laid out for
 * the driver (the option structures of abi.h: 64-bit little-endian fields).
 */
import { z } from 'zod'
import type { Access } from './contract.ts'
import { RING_DATA, RING_MIN_CAPACITY } from './ring/layout.ts'

const HOUR_NS = 3_600_000_000_000
const count = z.int().min(0).default(0)

interface PeerTraits {
  /** Rings it lays out from the start of the share: none, one, or two halves (from the peer, to the peer). */
  readonly rings: 0 | 1 | 2
  /** Option fields in the order of the peer's structure in abi.h. */
  readonly fields: readonly string[]
}

export const BUILT_IN_PEERS = {
  fill: { rings: 0, fields: ['periodNs', 'rounds', 'first'] },
  clock: { rings: 1, fields: ['periodNs', 'payload', 'ticks'] },
  blast: { rings: 1, fields: ['payload', 'count'] },
  echo: { rings: 2, fields: [] },
} as const satisfies Record<string, PeerTraits>

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
        periodNs: z
          .int()
          .max(HOUR_NS)
          .refine((ns) => ns === 0 || ns >= minPeriodNs, `expected 0, or ${minPeriodNs} to ${HOUR_NS}`)
          .default(0),
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
      }),
    }),
    echo: z.object({
      bytes: bytes('echo'),
      access: access('echo', ['readwrite']),
      peerOptions: z.strictObject({}),
    }),
  }
}

type PeerSchemas = ReturnType<typeof peerSchemas>
export type FillOptions = z.input<PeerSchemas['fill']>['peerOptions']
export type ClockOptions = z.input<PeerSchemas['clock']>['peerOptions']
export type BlastOptions = z.input<PeerSchemas['blast']>['peerOptions']

/** Lays checked options out for the driver. */
export function encodePeerOptions(
  peer: BuiltInPeer,
  options: Readonly<Record<string, number | undefined>>,
): Uint8Array {
  const { fields } = BUILT_IN_PEERS[peer]
  const view = new DataView(new ArrayBuffer(fields.length * 8))
  for (const [index, field] of fields.entries()) {
    view.setBigUint64(index * 8, BigInt(options[field] ?? 0), true)
  }
  return new Uint8Array(view.buffer)
}

/** Length of the share: each ring has a header page and at least a page of data. */
function bytes(peer: BuiltInPeer) {
  const least = BUILT_IN_PEERS[peer].rings * (RING_DATA + RING_MIN_CAPACITY)
  return z.int().min(least, `peer '${peer}' needs at least ${least} bytes`)
}

function access(peer: BuiltInPeer, allowed: readonly Access[]) {
  return z.enum(allowed, { error: `peer '${peer}' needs ${allowed.join(' or ')}` })
}
