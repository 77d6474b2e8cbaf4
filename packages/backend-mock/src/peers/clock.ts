/**
 * The peer `clock` puts a record {u64 tick, u64 monotonic ns} into the ring every period, or a sample of a run. A tick that
 * came too late, or found no room, is a gap in the number and one of two counts; none is replayed.
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
    const [periodNs = 0, givenPayload = 0, last = 0, runs = 0] = fields(share.options, 4)
    const payload = givenPayload || MIN_PAYLOAD
    checkRange('The payload', payload, MIN_PAYLOAD, MAX_PAYLOAD)
    checkRange('Runs', runs, 0, 1)
    checkFits(share.length, payload)
    share.every(periodNs)
    const ring = new Outbound(share, share.memory, runs === 1)
    let tick = 0
    return {
      step(now, ticks) {
        tick += ticks
        if (ticks > 1) ring.miss(ticks - 1)
        const at = ring.push(payload)
        if (at >= 0) {
          ring.view.setBigUint64(at, BigInt(tick), true)
          ring.view.setBigUint64(at + 8, BigInt(now), true)
        }
        const over = last > 0 && tick >= last
        // What waits goes with the next tick, and there is one unless this is the last.
        if (runs === 1 && !over) ring.publishLazily()
        else ring.publish()
        if (over) share.end()
        return false
      },
    }
  },
}
