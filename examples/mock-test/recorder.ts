/** The program under test: records frames from a camera whose driver writes them into memory that is lent to it. */
import { type Device, type End, PendshareError, type Share } from 'pendshare'

const MOST_BYTES = 4 << 20
const LEAST_BYTES = 64 << 10

/** Records until there are `count` frames, or until the camera or the driver ends it before. */
export async function record(device: Device, count: number, frames: Uint8Array[]): Promise<End> {
  const share = await lend(device)
  share.recalled.addEventListener('abort', () => void share.release())
  for await (const _ of share.doorbell) {
    frames.push(share.memory.slice())
    if (frames.length === count) void share.release()
    // A recall may have begun to end the share since the camera rang.
    else if (share.state === 'pended') share.notify()
  }
  return share.ended
}

/** Makes do with less memory where the system does not allow more. */
async function lend(device: Device): Promise<Share> {
  for (let bytes = MOST_BYTES; ; bytes /= 2) {
    try {
      return await device.share({ bytes, peer: 'camera', access: 'write' })
    } catch (error) {
      const tooMuch = error instanceof PendshareError && error.code === 'ERR_PENDSHARE_MEMLOCK'
      if (!tooMuch || bytes === LEAST_BYTES) throw error
    }
  }
}
