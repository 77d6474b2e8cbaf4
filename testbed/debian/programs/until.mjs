// `until.mjs FILE COUNT` streams the driver's clock until FILE exists, and keeps in COUNT how many ticks it has. Ends with how the share ended.
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { open } from 'pendshare'

const [file, count] = process.argv.slice(2)
await using device = await open()
await using share = await device.share({
  bytes: 64 << 10,
  peer: 'clock',
  peerOptions: { periodNs: 200_000_000 }, // leaves the emulated processor to what goes on meanwhile
})
let ticks = 0
for await (const batch of share.ring.batches()) {
  ticks += batch.records
  writeFileSync(`${count}.new`, String(ticks))
  renameSync(`${count}.new`, count) // whoever reads it never finds it empty
  if (existsSync(file)) break
}
console.log((await share.release()).reason)
