/** Tests the recorder without a camera and without a driver: `node --test`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mock } from '@pendshare/backend-mock'
import { open } from 'pendshare'
import { camera } from './camera.ts'
import { record } from './recorder.ts'

test('it records as many frames as it was asked for', async () => {
  const driver = mock({ peers: [camera()] })
  await using device = await open({ backend: driver })
  const frames: Uint8Array[] = []
  const end = await record(device, 3, frames)
  assert.equal(end.reason, 'released')
  assert.deepEqual(
    frames.map((frame) => frame[0]),
    [1, 2, 3],
  )
  assert.equal(driver.stats.pinnedPages, 0)
})

test('it makes do with the memory that it may lock', async () => {
  const driver = mock({ peers: [camera(1)], memlockBytes: 1 << 20 })
  await using device = await open({ backend: driver })
  const frames: Uint8Array[] = []
  await record(device, 3, frames)
  assert.equal(frames[0]?.length, 1 << 20)
})

test('it gives the memory back when the driver recalls it', async () => {
  const driver = mock({ peers: [camera()], schedule: 'stepped' })
  const device = await open({ backend: driver })
  const recording = record(device, Infinity, [])
  while (driver.step() !== 'deliver') await nextTurn()
  driver.recall(1000)
  const end = await driver.until(recording)
  assert.equal(end.reason, 'released')
  assert.equal(driver.time, 0, 'it took its time')
  await device.close()
})

test('whatever happens in whatever order, it ends, and its frames are whole', async () => {
  for (let seed = 0; seed < 100; seed++) {
    const driver = mock({ peers: [camera(4)], schedule: 'stepped', memlockBytes: 64 << 10 })
    const device = await open({ backend: driver })
    const frames: Uint8Array[] = []
    // Removed before the share was accepted, it is refused; nothing else may go wrong.
    const recording = record(device, 3, frames).catch((error: { code?: string }) => {
      assert.equal(error.code, 'ERR_PENDSHARE_REMOVED', `seed ${seed}`)
    })
    driver.interleave('recall', () => driver.recall(5), seed % 50)
    driver.interleave('time passes', () => driver.advance(10), seed % 60)
    if (seed % 3 === 0) driver.interleave('remove', () => driver.remove(), seed % 40)
    await driver.until(recording, seed)
    assert.ok(frames.every(isWhole), `seed ${seed}`)
    await driver.until(device.close())
    assert.equal(driver.stats.pinnedPages, 0, `seed ${seed}`)
  }
})

test('whichever step of the driver fails, it says so, and nothing stays locked', async () => {
  const driver = mock({ peers: [camera(1)] })
  await using device = await open({ backend: driver })
  for (let n = 1; ; n++) {
    const fault = driver.failNth(n)
    const outcome = await record(device, 1, []).catch((error: Error) => error)
    assert.equal(driver.stats.pinnedPages, 0)
    if (fault.fired === undefined) break
    // For want of lockable memory it tries again with less.
    if (fault.fired === 'charge') assert.ok(!(outcome instanceof Error))
    else assert.match(String(outcome), new RegExp(`"${fault.fired}" was made to fail`))
  }
})

/** Written by one round of the camera. */
function isWhole(frame: Uint8Array): boolean {
  return frame.every((byte) => byte === frame[0])
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
