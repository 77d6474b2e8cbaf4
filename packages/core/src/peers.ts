/**
 * The peers that every driver brings: what options they take, what access they need, and how their options
 * are laid out for the driver (the structures of abi.h: 64-bit little-endian fields).
 */
import { z } from 'zod'
import type { Access } from './contract.ts'

const HOUR_NS = 3_600_000_000_000
const count = z.int().min(0)

/** Options of the built-in peers on a driver whose timers have `minPeriodNs` as their shortest period. */
export function peerSchemas(minPeriodNs: number) {
  const period = z.int().min(minPeriodNs).max(HOUR_NS)
  return {
    fill: z.strictObject({
      /** Nanoseconds between fills; 0: the first at once, then one for each `notify()`. */
      periodNs: z
        .union([z.literal(0), period], { error: () => `expected 0, or ${minPeriodNs} to ${HOUR_NS}` })
        .default(0),
      /** Fills until the share ends as `peer-ended`; 0: no end. */
      rounds: count.default(0),
      /** Value of the first fill, 0 to 255; each further one is one more, modulo 256. */
      first: z.int().min(0).max(255).default(0),
    }),
    clock: z.strictObject({
      /** Nanoseconds between records, from `device.info.minPeriodNs` to an hour. */
      periodNs: period,
      /** Bytes of a record, 16 to 4096. */
      payload: z.int().min(16).max(4096).default(16),
      /** Records until the share ends as `peer-ended`; 0: no end. */
      ticks: count.default(0),
    }),
    blast: z.strictObject({
      /** Bytes of a record, 8 to 1 MiB. */
      payload: z
        .int()
        .min(8)
        .max(1 << 20)
        .default(64),
      /** Records until the share ends as `peer-ended`; 0: no end. */
      count: count.default(0),
    }),
    echo: z.strictObject({}),
  }
}

export type PeerSchemas = ReturnType<typeof peerSchemas>
export type BuiltInPeer = keyof PeerSchemas
export type FillOptions = z.input<PeerSchemas['fill']>
export type ClockOptions = z.input<PeerSchemas['clock']>
export type BlastOptions = z.input<PeerSchemas['blast']>

interface PeerTraits {
  /** Rings it lays out from the start of the share: none, one, or two halves (from the peer, to the peer). */
  readonly rings: 0 | 1 | 2
  readonly access: readonly Access[]
  /** Option fields in the order of the peer's structure in abi.h. */
  readonly fields: readonly string[]
}

export const BUILT_IN_PEERS: Readonly<Record<BuiltInPeer, PeerTraits>> = {
  fill: { rings: 0, access: ['write', 'readwrite'], fields: ['periodNs', 'rounds', 'first'] },
  clock: { rings: 1, access: ['readwrite'], fields: ['periodNs', 'payload', 'ticks'] },
  blast: { rings: 1, access: ['readwrite'], fields: ['payload', 'count'] },
  echo: { rings: 2, access: ['readwrite'], fields: [] },
}

export function isBuiltInPeer(name: string): name is BuiltInPeer {
  return Object.hasOwn(BUILT_IN_PEERS, name)
}

/** Lays checked options out for the driver. */
export function encodePeerOptions(peer: BuiltInPeer, options: Readonly<Record<string, number>>): Uint8Array {
  const { fields } = BUILT_IN_PEERS[peer]
  const bytes = new Uint8Array(fields.length * 8)
  const view = new DataView(bytes.buffer)
  for (const [index, field] of fields.entries())
    view.setBigUint64(index * 8, BigInt(options[field] ?? 0), true)
  return bytes
}
