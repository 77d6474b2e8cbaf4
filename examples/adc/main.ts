/**
 * Samples that a card has one at a time, in JavaScript: runs of them, however many came since the last wake-up. The driver is
 * drivers/examples/adc; with PENDSHARE_BACKEND=mock there need be none.
 */
import { open } from 'pendshare'
import { adc, withoutAdc } from './adc.ts'

await using device = await open(process.env.PENDSHARE_BACKEND === 'mock' ? { backend: withoutAdc() } : {})
await using share = await device.share({ bytes: 1 << 16, peer: adc, peerOptions: { count: 2000 } })

let samples = 0
let sum = 0
for await (const batch of share.ring.samples(Uint32Array)) {
  batch.forEachRun((start, count, stride) => {
    for (let at = start; at < start + count * stride; at += stride) sum += batch.samples[at + 1] ?? 0
    samples += count
  })
}
const { reason } = await share.ended
console.log(`${samples} samples, ${share.ring.dropped} lost, ${sum / samples} on average; ${reason}`)
