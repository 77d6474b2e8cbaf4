import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { Frame } from '../../src/frames/frame.ts'
import { TO_KERNEL } from '../../src/frames/layout.ts'
import { BYTES, CORRUPT, DIRECTION, ENDED, INVALID, pair, STALE, settle } from './kernel.ts'

function all(count = 4, start = 0) {
  const both = pair('playback', { count, start })
  const held = Array.from({ length: count }, () => both.frames.tryAcquire() as Frame)
  return { ...both, held }
}

describe('slots of playback', () => {
  it('are the program’s at first, each once, without content', () => {
    const { frames, held } = all()
    assert.deepEqual(held.map(({ slot }) => slot).sort(), [0, 1, 2, 3])
    for (const { bytes, sequence, timestampNs, flags, data } of held)
      assert.deepEqual([bytes, sequence, timestampNs, flags, data.length], [0, 0, 0n, 0, BYTES])
    assert.equal(frames.tryAcquire(), undefined)
    assert.equal(frames.held, 4)
  })

  it('are submitted with their length, flags and time stamp', () => {
    const { kernel, held } = all()
    held[2]?.submit(100, { flags: 0x8001_0000, timestampNs: 0xffff_ffff_ffff_fffen })
    held[0]?.submit(0)
    assert.deepEqual(
      [kernel.take(), kernel.take(), kernel.take()],
      [
        { slot: held[2]?.slot, bytes: 100, flags: 0x8001_0000, timestampNs: 0xffff_ffff_ffff_fffen },
        { slot: held[0]?.slot, bytes: 0, flags: 0, timestampNs: 0n },
        undefined,
      ],
    )
    assert.throws(() => held[2]?.data, STALE)
  })

  it('are kept where what is submitted is wrong', () => {
    const { held } = all(1)
    const [frame] = held
    for (const bytes of [-1, 0.5, BYTES + 1, Number.NaN, '1' as never])
      assert.throws(() => frame?.submit(bytes), INVALID)
    for (const flags of [1, 0xffff, -1, 2 ** 32, 65536.5, Number.NaN])
      assert.throws(() => frame?.submit(0, { flags }), INVALID)
    for (const timestampNs of [-1n, 2n ** 64n, 1 as never])
      assert.throws(() => frame?.submit(0, { timestampNs }), INVALID)
    assert.equal(frame?.bytes, 0)
    frame?.submit(BYTES, { flags: 0xffff_0000, timestampNs: 2n ** 64n - 1n })
  })

  it('that are released wait for the next who acquires, and the kernel hears nothing of it', async () => {
    const { frames, kernel, held } = all()
    held[3]?.release()
    assert.equal(kernel.take(), undefined)
    assert.equal(await frames.acquire(), held[3])
  })

  it('come back when they were played, and wake those who acquire in their order', async () => {
    const { frames, kernel, bell, held } = all(2)
    for (const frame of held) frame.submit(1)
    const got: number[] = []
    const waiting = [frames.acquire(), frames.acquire()].map(async (frame) => got.push((await frame).slot))
    await settle()
    assert.deepEqual(got, [])
    for (const _ of held) kernel.giveBack(kernel.take()?.slot as number)
    assert.equal(kernel.publish(), true)
    await Promise.all(waiting)
    assert.deepEqual(got.sort(), [0, 1])
    assert.equal(bell.rings, 1)
  })

  it('wake the kernel when it sleeps', () => {
    const { kernel, bell, held } = all()
    kernel.sleep()
    held[0]?.submit(1)
    held[1]?.submit(1)
    assert.equal(bell.notified, 1)
  })

  it('go on where positions wrap', () => {
    for (const start of [0x7fff_fffe, -2]) {
      const { frames, kernel, held } = all(3, start)
      for (const frame of held) frame.release()
      for (let round = 0; round < 20; round++) {
        frames.tryAcquire()?.submit(round)
        const given = kernel.take()
        assert.equal(given?.bytes, round)
        kernel.giveBack(given?.slot as number)
        kernel.publish()
      }
      assert.equal(new Set([1, 2, 3].map(() => frames.tryAcquire()?.slot)).size, 3)
    }
  })

  it('are not to be had of frames that are captured', async () => {
    const { frames } = pair('capture')
    assert.throws(() => frames.tryAcquire(), DIRECTION)
    await assert.rejects(frames.acquire(), DIRECTION)
    assert.throws(() => frames.toWritable(), DIRECTION)
  })

  it('are waited for until the signal aborts, or the share ends', async () => {
    const { frames, bell } = all()
    const controller = new AbortController()
    const aborted = assert.rejects(frames.acquire({ signal: controller.signal }), /enough/)
    const other = assert.rejects(frames.acquire(), ENDED)
    controller.abort(new Error('enough'))
    await aborted
    await assert.rejects(frames.acquire({ signal: AbortSignal.abort(new Error('before')) }), /before/)
    await assert.rejects(frames.acquire(controller.signal as never), INVALID)
    bell.end()
    await other
    assert.throws(() => frames.tryAcquire(), ENDED)
    await assert.rejects(frames.acquire(), ENDED)
  })

  it('are found out when the kernel gives one that the program has', async () => {
    const { frames, kernel } = all()
    kernel.giveBack(0)
    kernel.publish()
    assert.throws(() => frames.tryAcquire(), CORRUPT)
    await assert.rejects(frames.acquire(), CORRUPT)
  })

  it('are found out also when it lies in the pool', () => {
    const { frames, kernel, held } = all(1)
    held[0]?.release()
    kernel.give(0)
    kernel.publish()
    assert.throws(() => frames.poll(), CORRUPT)
  })

  it('are given back to no effect once the share has ended', () => {
    const { kernel, bell, held } = all()
    bell.end()
    const before = kernel.layout.header[TO_KERNEL]
    held[0]?.submit(1)
    held[1]?.release()
    assert.equal(kernel.layout.header[TO_KERNEL], before)
  })
})

describe('a device that plays and captures', () => {
  it('serves an iteration and those who acquire, who wait at the same time', async () => {
    const { frames, kernel, held } = all(2)
    for (const frame of held) frame.submit(1)
    const seen: Frame[] = []
    const reading = (async () => {
      for await (const frame of frames) seen.push(frame)
    })()
    const acquiring = frames.acquire()
    await settle()
    const [first, second] = [kernel.take()?.slot as number, kernel.take()?.slot as number]
    // The slot that is acquired lies behind a frame, which only the iteration may take.
    kernel.give(first, { bytes: 5 })
    kernel.giveBack(second)
    kernel.publish()
    assert.equal((await acquiring).slot, second)
    assert.deepEqual(
      seen.map(({ slot, bytes }) => [slot, bytes]),
      [[first, 5]],
    )
    const next = frames.acquire()
    seen[0]?.release()
    assert.equal(await next, seen[0])
    void reading
  })

  it('lets those who acquire wait behind a frame that nobody takes, until somebody does', async () => {
    const { frames, kernel, held } = all(2)
    for (const frame of held) frame.submit(1)
    kernel.give(kernel.take()?.slot as number, { bytes: 5 })
    kernel.giveBack(kernel.take()?.slot as number)
    kernel.publish()
    let got: Frame | undefined
    const acquiring = frames.acquire().then((frame) => {
      got = frame
    })
    await settle()
    assert.equal(got, undefined)
    assert.equal(frames.poll()?.bytes, 5)
    await acquiring
    assert.ok(got)
  })

  it('lets the latest pass slots on to those who acquire', async () => {
    const { frames, kernel, held } = all(3)
    for (const frame of held) frame.submit(1)
    for (const bytes of [1, 2]) kernel.give(kernel.take()?.slot as number, { bytes })
    kernel.publish()
    const acquiring = frames.acquire()
    const newest = (await frames.latest().next()).value
    assert.equal(newest?.bytes, 2)
    assert.notEqual((await acquiring).slot, newest?.slot)
    assert.equal(frames.skipped, 1)
  })

  it('rings those who acquire when the iteration is left before a slot of theirs', async () => {
    const { frames, kernel, held } = all(2)
    for (const frame of held) frame.submit(1)
    const steps = frames.iterate()
    const step = steps.next()
    const acquiring = frames.acquire()
    await settle()
    kernel.give(kernel.take()?.slot as number, { bytes: 1 })
    kernel.publish()
    await step
    kernel.giveBack(kernel.take()?.slot as number)
    kernel.publish()
    await steps.return(undefined)
    assert.ok(await acquiring)
  })
})
