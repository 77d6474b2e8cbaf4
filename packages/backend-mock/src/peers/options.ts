/** Reads and checks the options of the built-in peers as abi.h lays them out. */
import { maxPayload, ringCapacity } from '@pendshare/core'
import { refusal } from '../refusal.ts'

/** `count` 64-bit little-endian fields; absent ones are 0. */
export function fields(options: Uint8Array, count: number): number[] {
  if (options.byteLength > count * 8) throw refusal('EINVAL', 'The options of the peer are too long.')
  const bytes = new Uint8Array(count * 8)
  bytes.set(options)
  const view = new DataView(bytes.buffer)
  return Array.from({ length: count }, (_, index) => Number(view.getBigUint64(index * 8, true)))
}

/** Throws unless a ring in so many bytes takes such a payload. */
export function checkFits(bytes: number, payload: number): void {
  const capacity = ringCapacity(bytes)
  if (capacity > 0 && payload <= maxPayload(capacity)) return
  throw refusal('EINVAL', `A ring in ${bytes} bytes does not take records of ${payload}.`)
}

/** Throws unless `min <= value <= max`. */
export function checkRange(what: string, value: number, min: number, max: number): void {
  if (value >= min && value <= max) return
  throw refusal('EINVAL', `${what} is ${min} to ${max}, not ${value}.`)
}
