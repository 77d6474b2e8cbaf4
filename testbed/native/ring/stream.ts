/** The records that the ring's tests send, as stream.h makes them. */
import { mix } from '../shared/stream.ts'

/** Mostly short, now and then of any length that the ring takes. */
export function recordLength(seed: number, n: number, maxPayload: number): number {
  const mixed = mix(seed ^ Math.imul(n, 0x9e3779b1))
  return (mixed & 1023) !== 0 ? (mixed >>> 10) % 97 : (mixed >>> 10) % (maxPayload + 1)
}
