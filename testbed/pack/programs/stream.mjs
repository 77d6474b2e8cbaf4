// A stream from the kernel to its end: prints which addon carried it, the ticks, and why it ended.
import { open } from 'pendshare'

await using device = await open()
await using share = await device.share({
  bytes: device.info.pageSize * 4,
  peer: 'clock',
  peerOptions: { periodNs: 1_000_000, ticks: 100 },
})
let ticks = 0
for await (const batch of share.ring.batches()) ticks += batch.records
const { addon } = device.choice
console.log(JSON.stringify({ addon, ticks, dropped: share.ring.dropped, reason: (await share.ended).reason }))
