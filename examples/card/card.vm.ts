/** The example on the real driver, in the VM: its frames, and what becomes of it when the card is pulled out. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { open, PendshareError } from 'pendshare'
import { card } from './card.ts'

const DRIVER = '/sys/bus/pci/drivers/card'

test('a hundred frames come by DMA, as large as the card can', () => {
  const argv = [
    ...process.execArgv.filter((flag) => !flag.startsWith('--test')),
    join(import.meta.dirname, 'main.ts'),
  ]
  const output = execFileSync(process.execPath, argv, { encoding: 'utf8' })
  assert.equal(output, 'card 10000ed: frames of 1024 bytes\n100 frames, 102400 bytes, 0 overruns\n')
})

test('what the card has written, and nothing behind it, is in a frame', async () => {
  await using device = await open()
  const { pageSize } = device.info
  await using share = await device.share({
    peer: card,
    frames: { bytes: pageSize, count: 3 },
    peerOptions: { bytes: 64 },
  })
  assert.deepEqual(share.reply, { version: 0x10000ed, bytes: 64 })
  let sequence = 0
  for await (const frame of share.frames) {
    assert.equal(frame.sequence, sequence++)
    assert.equal(frame.bytes, 64)
    // The card's buffer is empty; what lies behind the frame stays as it was filled the first time.
    assert(frame.data.subarray(0, 64).every((byte) => byte === 0))
    if (sequence > 3) assert(frame.data.subarray(64).every((byte) => byte === 0xff))
    frame.data.fill(0xff)
    if (sequence === 50) break
    frame.release()
  }
  await assert.rejects(
    device.share({ peer: card, frames: { bytes: pageSize, count: 3 }, peerOptions: { bytes: 64 } }),
    { code: 'ERR_PENDSHARE_SYSTEM' }, // EBUSY: one program at a time
  )
})

test('pulled out in the middle of it, the card ends its share, and is gone', async () => {
  await using device = await open()
  const frames = { bytes: device.info.pageSize, count: 4 }
  await using share = await device.share({ peer: card, frames, peerOptions: { bytes: 2048 } })
  let seen = 0
  for await (using _ of share.frames) {
    if (++seen === 20) {
      const [address] = readdirSync(DRIVER).filter((name) => name.startsWith('0000:'))
      writeFileSync(`/sys/bus/pci/devices/${address}/remove`, '1')
    }
  }
  assert.equal((await share.ended).reason, 'device-removed')
  assert.equal(device.stats().pinnedPages, 0)
  const again = device.share({ peer: card, frames, peerOptions: { bytes: 64 } })
  await assert.rejects(
    again,
    (error) => error instanceof PendshareError && error.code === 'ERR_PENDSHARE_UNKNOWN_PEER',
  )
})
