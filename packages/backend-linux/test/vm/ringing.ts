/** A child whose share rings while signals come: `ringing.ts WAKEUP`. Ends when its stdin does, and reports. */
import { once } from 'node:events'
import type { Wakeup } from '../../src/index.ts'
import { openDevice } from './bed.ts'

const [wakeup] = process.argv.slice(2) as [Wakeup] // by running.test.ts
let signals = 0
process.on('SIGUSR2', () => signals++)

await using device = await openDevice(wakeup)
const share = await device.share({ bytes: 65536, peer: 'fill', peerOptions: { periodNs: 1_000_000 } })
await share.doorbell.wait()
console.log('ringing')
await once(process.stdin.resume(), 'end')

const rings = share.doorbell.total
while (share.doorbell.total < rings + 10) await share.doorbell.wait()
const { reason } = await share.release()
console.log(`${reason} after ${signals > 0 ? 'signals' : 'no signal'}`)
