/** What the ring's tests send, as stream.h makes it. */
import { mix } from '../shared/stream.ts'

/** In a kind. */
export const SAMPLE = 0x8000_0000

/** The bytes of item n if it is a sample, else 0: 64 items are all the same. */
export function sampleStride(seed: number, n: number): number {
  const mixed = mix(seed ^ Math.imul(n >>> 6, 0x85ebca6b))
  return (mixed & 1) !== 0 ? 4 + ((mixed >>> 8) % 29) : 0
}

/** Records are mostly short, now and then of any length that the ring takes. */
export function recordLength(seed: number, n: number, maxPayload: number): number {
  const mixed = mix(seed ^ Math.imul(n, 0x9e3779b1))
  return (mixed & 1023) !== 0 ? (mixed >>> 10) % 97 : (mixed >>> 10) % (maxPayload + 1)
}

export function fillSample(bytes: Uint8Array, n: number, offset: number, stride: number): void {
  for (let at = 0; at < 4; at++) bytes[offset + at] = n >>> (8 * at)
  for (let at = 4; at < stride; at++) bytes[offset + at] = n + at
}

/** The number of the sample that lies there; -1: it is torn. */
export function sampleAt(bytes: Uint8Array, offset: number, stride: number): number {
  let n = 0
  for (let at = 3; at >= 0; at--) n = (n << 8) | (bytes[offset + at] as number)
  for (let at = 4; at < stride; at++) if (bytes[offset + at] !== ((n + at) & 255)) return -1
  return n
}
