/** The port of a virtio console whose queues point at shares: all that comes in goes out again, and the host compares it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Device, Share } from '@pendshare/core'
import { openDevice, pinnedPages } from './bed.ts'

const BYTES = Number(process.env.PENDSHARE_PORT_BYTES)

/** QEMU puts at most 4096 bytes into a buffer, however long it is. */
const IN = { peer: 'vport0-in', frames: { count: 128, bytes: 4096 } } as const
const OUT = { peer: 'vport0-out', frames: { count: 16, bytes: 65536 } } as const

/** Packs what comes into as few frames as it takes; resolves when all has been sent. */
async function relay(from: Share, to: Share, bytes: number): Promise<number> {
  let out = await to.frames.acquire()
  let at = 0
  let left = bytes
  let frames = 0
  for await (using frame of from.frames) {
    assert.equal(frame.sequence, frames++)
    if (at + frame.bytes > out.data.length) {
      out.submit(at)
      out = await to.frames.acquire()
      at = 0
    }
    out.data.set(frame.data.subarray(0, frame.bytes), at)
    at += frame.bytes
    left -= frame.bytes
    if (left <= 0) break
  }
  out.submit(at)
  for (let slot = 0; slot < to.frames.count; slot++) (await to.frames.acquire()).hold()
  return frames
}

async function sharePort(device: Device): Promise<{ from: Share; to: Share }> {
  return { from: await device.share(IN), to: await device.share(OUT) }
}

describe('a virtio port', () => {
  it('sends back all that it gets, through two shares', async (test) => {
    await using device = await openDevice('poll')
    const { from, to } = await sharePort(device)
    const start = performance.now()
    const frames = await relay(from, to, BYTES)
    const seconds = (performance.now() - start) / 1000
    test.diagnostic(
      `${BYTES >> 20} MiB in ${frames} frames in ${seconds.toFixed(1)} s: ${(BYTES / 2 ** 20 / seconds).toFixed(1)} MiB/s`,
    )
    assert.equal(from.frames.overruns, 0)
    assert.equal((await to.release()).reason, 'released')
    assert.equal((await from.release()).reason, 'released')
    assert.equal(pinnedPages(), 0)
  })

  it('has one share at a time for each direction, and ends one for which nothing comes', async () => {
    await using device = await openDevice('poll')
    for (let round = 0; round < 20; round++) {
      const { from, to } = await sharePort(device)
      await assert.rejects(device.share(IN))
      await assert.rejects(device.share(OUT))
      assert.equal((await from.release()).reason, 'released')
      assert.equal((await to.release()).reason, 'released')
    }
    assert.equal(pinnedPages(), 0)
  })
})
