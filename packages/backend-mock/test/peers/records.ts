/** Reads a peer's ring as a consumer does that believes nothing. */
import type { Inbound } from '../../src/peers/inbound.ts'

export interface Seen {
  readonly kind: number
  readonly payload: Uint8Array
}

/** All records that wait, given back to the producer. */
export function drain(ring: Inbound): Seen[] {
  const seen: Seen[] = []
  for (let record = ring.peek(); record !== undefined; record = ring.peek()) {
    const { offset, length, kind } = record
    seen.push({ kind, payload: ring.bytes.slice(offset, offset + length) })
    ring.advance(record)
  }
  ring.release()
  return seen
}

export function u64(payload: Uint8Array, index: number): number {
  return Number(new DataView(payload.buffer, payload.byteOffset).getBigUint64(index * 8, true))
}
