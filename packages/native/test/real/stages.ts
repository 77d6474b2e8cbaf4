/** The stages of a device's life in which its owner can die. Each is reached and left as it is: nothing is awaited after it. */
import { type Device, Region } from '@pendshare/core'

/** More than pinning can finish in the time that dying takes. */
const HUGE_BYTES = 128 << 20
const LARGE_BYTES = 8 << 20

const stages = {
  /** The waiter waits, nothing is shared. */
  async opened(_: Device) {},

  /** Small and large shares are pended. */
  async pended(device: Device) {
    for (const bytes of [device.info.pageSize, 65536, LARGE_BYTES]) await device.share({ bytes })
  },

  /** Peers write, ring and read at full speed, and events are on their way. */
  async busy(device: Device) {
    const periodNs = device.info.minPeriodNs
    const fill = await device.share({ bytes: 65536, peer: 'fill', peerOptions: { periodNs } })
    await device.share({ bytes: 65536, peer: 'clock', peerOptions: { periodNs } })
    await device.share({ bytes: 1 << 20, peer: 'blast' })
    await fill.doorbell.wait()
  },

  /** Shares are ending: in the call, and behind it. */
  async ending(device: Device) {
    const small = await device.share({ bytes: device.info.pageSize })
    const large = await device.share({ bytes: LARGE_BYTES })
    void small.release()
    void large.cancel()
  },

  /** The device is closing with live shares. */
  async closing(device: Device) {
    await stages.busy(device)
    await device.share(Region.allocate(LARGE_BYTES))
    void device.close()
  },

  /** Two regions are being pinned on the pool. */
  async pinning(device: Device) {
    for (let n = 0; n < 2; n++) device.share({ bytes: HUGE_BYTES }).catch(() => {})
  },
}

export type Stage = keyof typeof stages
export const STAGES = Object.keys(stages) as Stage[]

export function reach(stage: Stage, device: Device): Promise<void> {
  return stages[stage](device)
}
