/** Uses of the public names, for the compilers of users; never run. */
import {
  type Device,
  type End,
  type ErrorCode,
  open,
  PendshareError,
  type Probe,
  Region,
  type Share,
  type ShareOptions,
} from 'pendshare'

export async function stream(signal: AbortSignal): Promise<bigint> {
  await using device: Device = await open({ backend: 'mock' })
  const options: ShareOptions = { peer: 'clock', peerOptions: { periodNs: 1000, ticks: 10 }, signal }
  await using share: Share = await device.share(Region.allocate(1 << 16), options)
  let sum = 0n
  for await (const batch of share.ring.batches()) {
    const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength)
    batch.forEach((offset: number, length: number) => {
      sum += view.getBigUint64(offset, true) + BigInt(length)
    })
  }
  return sum
}

export function explain(end: End): string {
  return end.reason === 'failed' ? `${end.error.code}: ${end.error.message}` : end.reason
}

export function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof PendshareError ? error.code : undefined
}

export const usable = (probe: Probe): boolean => probe.usable

// @ts-expect-error: the bytes of a share are a number.
export const wrong: ShareOptions & { bytes: string } = { bytes: 4096 }
