/** What docs/card.md ends with: frames that a card has written, in JavaScript. Its driver is drivers/examples/card; with PENDSHARE_BACKEND=mock there need be none. */
import { open } from 'pendshare'
import { card, withoutCard } from './card.ts'

await using device = await open(process.env.PENDSHARE_BACKEND === 'mock' ? { backend: withoutCard() } : {})
await using share = await device.share({
  peer: card,
  frames: { bytes: device.info.pageSize, count: 8 },
  peerOptions: { bytes: 2000 },
})
console.log(`card ${share.reply.version.toString(16)}: frames of ${share.reply.bytes} bytes`)

let frames = 0
let bytes = 0
for await (const frame of share.frames) {
  frames++
  bytes += frame.bytes
  frame.release()
  if (frames === 100) break
}
console.log(`${frames} frames, ${bytes} bytes, ${share.frames.overruns} overruns`)
