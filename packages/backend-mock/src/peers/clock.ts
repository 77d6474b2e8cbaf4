/**
 * The peer `clock` puts a record {u64 tick, u64 monotonic ns} into the ring every period. A tick that came too late, or
 * found no room, is a gap in the number and one of two counts; none is replayed.
 */
import { checkFits, checkRange, fields } from './options.ts'
import { Outbound } from './outbound.ts'
import type { MockPeer } from './peer.ts'

const MIN_PAYLOAD = 16
const MAX_PAYLOAD = 4096

export const clock: MockPeer = {
  name: 'clock',
  access: 'readwrite',
  attach(share) {
    const [periodNs = 0, givenPayload = 0, last = 0] = fields(share.options, 3)
    const payload = givenPayload || MIN_PAYLOAD
    checkRange('The payload', payload, MIN_PAYLOAD, MAX_PAYLOAD)
    checkFits(share.length, payload)
    share.every(periodNs)
    const ring = new Outbound(share, share.memory)
    let tick = 0
    return {
      step(now, ticks) {
        tick += ticks
        if (ticks > 1) ring.miss(ticks - 1)
        const at = ring.reserve(payload)
        if (at >= 0) {
          ring.view.setBigUint64(at, BigInt(tick), true)
          ring.view.setBigUint64(at + 8, BigInt(now), true)
        }
        ring.publish()
        if (last > 0 && tick >= last) share.end()
        return false
      },
    }
  },
}
