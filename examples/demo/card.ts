/** A card's data in JavaScript, and what becomes of a share when the card is pulled out. */
import { readdirSync, writeFileSync } from 'node:fs'
import { type Device, type End, PendshareError } from 'pendshare'

const DRIVER = '/sys/bus/pci/drivers/pendshare-edu'

/** `card`: a peer of drivers/examples/linux/pendshare-edu.c, which copies a share's first half into the second by way of the card. */
export async function watchTheCard(device: Device, card: string): Promise<End> {
  await using share = await device.share({ bytes: 2 * device.info.pageSize, peer: card, label: 'demo' })
  const half = share.memory.length / 2
  console.log(
    `lent ${share.memory.length / 1024} KiB to the card "${card}", which reads one half by DMA and writes the other:`,
  )
  for (const text of [
    'what JavaScript has written',
    'the card reads,',
    'and JavaScript sees what it writes',
  ]) {
    const bytes = Buffer.from(text.padEnd(40))
    share.memory.set(bytes)
    share.notify()
    await share.doorbell.wait()
    console.log(
      `  ${Buffer.from(share.memory.subarray(half, half + bytes.length))
        .toString()
        .trimEnd()}`,
    )
  }
  share.notify()
  console.log('\npulled the card out, in the middle of a transfer')
  pullOut()
  const end = await share.ended
  await device.share({ bytes: device.info.pageSize, peer: card }).catch((error: unknown) => {
    if (!(error instanceof PendshareError)) throw error
    console.log(`whoever asks for it now: ${error.code}`)
  })
  return end
}

/** Of the bus, as a cable or a hand does it: the kernel has the driver let go of it. */
function pullOut(): void {
  const [address] = readdirSync(DRIVER).filter((name) => name.startsWith('0000:'))
  writeFileSync(`${DRIVER}/${address}/remove`, '1')
}
