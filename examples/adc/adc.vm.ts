/** The example on the real driver, in the VM: each sample once and in order, runs that grow while the program is busy, and the card pulled out. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from 'pendshare'
import { adc, converted } from './adc.ts'

const DRIVER = '/sys/bus/pci/drivers/adc'

test('two thousand samples come, each by an interrupt', () => {
  const argv = [
    ...process.execArgv.filter((flag) => !flag.startsWith('--test')),
    join(import.meta.dirname, 'main.ts'),
  ]
  const sum = Array.from({ length: 2000 }, (_, n) => converted(n)).reduce((a, b) => a + b)
  const output = execFileSync(process.execPath, argv, { encoding: 'utf8' })
  assert.equal(output, `2000 samples, 0 lost, ${sum / 2000} on average; peer-ended\n`)
})

test('what comes while the program is busy is one run, and nothing is lost', async () => {
  await using device = await open()
  await using share = await device.share({ bytes: 1 << 20, peer: adc, peerOptions: { count: 3000 } })
  let next = 0
  let longest = 0
  for await (const batch of share.ring.samples(Uint32Array)) {
    batch.forEachRun((start, count, stride) => {
      assert.equal(stride, 2)
      longest = Math.max(longest, count)
      for (let at = start; at < start + 2 * count; at += 2) {
        assert.equal(batch.samples[at], next)
        assert.equal(batch.samples[at + 1], converted(next))
        next++
      }
    })
    for (const end = performance.now() + 20; performance.now() < end; ); // busy
  }
  assert.equal(next, 3000)
  assert(longest > 1)
  assert.equal((await share.ended).reason, 'peer-ended')
  assert.equal(share.ring.dropped, 0)
})

test('where the program has no time at all, samples are lost, told of where they are missing, and none is torn', async () => {
  await using device = await open()
  await using share = await device.share({ bytes: 8192, peer: adc })
  let next = 0
  let rounds = 0
  for await (const batch of share.ring.batches()) {
    const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset)
    next += batch.dropped
    batch.forEach((offset) => {
      assert.equal(view.getUint32(offset, true), next)
      assert.equal(view.getUint32(offset + 4, true), converted(next))
      next++
    })
    const before = share.ring.dropped
    if (++rounds === 5) break
    while (share.ring.dropped < before + 3);
  }
  assert(share.ring.dropped >= 12)
  await assert.rejects(device.share({ bytes: 8192, peer: adc }), { code: 'ERR_PENDSHARE_SYSTEM' }) // EBUSY: one program at a time
})

test('pulled out in the middle of it, the card ends its share', async () => {
  await using device = await open()
  await using share = await device.share({ bytes: 8192, peer: adc })
  let seen = 0
  for await (const _ of share.ring.batches()) {
    if (++seen === 20) {
      const [address] = readdirSync(DRIVER).filter((name) => name.startsWith('0000:'))
      writeFileSync(`/sys/bus/pci/devices/${address}/remove`, '1')
    }
  }
  assert.equal((await share.ended).reason, 'device-removed')
  assert.equal(device.stats().pinnedPages, 0)
})
