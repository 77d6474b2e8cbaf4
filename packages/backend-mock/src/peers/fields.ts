/** Reads the options of the built-in peers as abi.h lays them out: 64-bit little-endian fields, absent ones 0. */
import { refusal } from '../refusal.ts'

export function fields(options: Uint8Array, count: number): number[] {
  if (options.byteLength > count * 8) throw refusal('EINVAL', 'The options of the peer are too long.')
  const bytes = new Uint8Array(count * 8)
  bytes.set(options)
  const view = new DataView(bytes.buffer)
  return Array.from({ length: count }, (_, index) => Number(view.getBigUint64(index * 8, true)))
}
