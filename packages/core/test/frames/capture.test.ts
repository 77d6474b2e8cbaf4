import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { PendshareError } from '../../src/errors.ts'
import type { Frame } from '../../src/frames/frame.ts'
import { Frames } from '../../src/frames/frames.ts'
import { KERNEL_WAKE, MISSED, OVERRUNS, TO_KERNEL, USER_WAKE } from '../../src/frames/layout.ts'
import { type Both, BYTES, CORRUPT, ENDED, IN_USE, INVALID, pair, STALE, settle } from './kernel.ts'

/** Publishes so many frames. */
function captured(count: number, options?: { count?: number; start?: number }): Both {
  const both = pair('capture', options)
  for (let at = 0; at < count; at++) both.kernel.capture()
  both.kernel.publish()
  return both
}

const sequences = (frames: readonly (Frame | undefined)[]) => frames.map((frame) => frame?.sequence)

describe('frames that are captured', () => {
  it('come whole, with all that their entries say', () => {
    const { frames, kernel } = pair('capture')
    kernel.take()
    kernel.give(0, {
      bytes: BYTES,
      flags: 0xffff_0002,
      timestampNs: 0xfedc_ba98_7654_3210n,
      sequence: 2 ** 40 + 7,
    })
    kernel.publish()
    const frame = frames.poll()
    assert.ok(frame)
    const { slot, bytes, flags, timestampNs, sequence, data } = frame
    assert.deepEqual(
      [slot, bytes, flags, timestampNs, sequence, data.length],
      [0, BYTES, 0xffff_0000, 0xfedc_ba98_7654_3210n, 2 ** 40 + 7, BYTES],
    )
    assert.equal(frames.poll(), undefined)
  })

  it('are held at once, and given back in any order', () => {
    const { frames, kernel } = captured(4)
    const [first, second, third, fourth] = [frames.poll(), frames.poll(), frames.poll(), frames.poll()]
    assert.deepEqual(sequences([first, second, third, fourth, frames.poll()]), [0, 1, 2, 3, undefined])
    assert.equal(frames.held, 4)
    for (const frame of [third, first, fourth]) frame?.release()
    assert.equal(frames.held, 1)
    const empty = { bytes: 0, flags: 1, timestampNs: 0n }
    assert.deepEqual(
      [kernel.take(), kernel.take(), kernel.take(), kernel.take()],
      [{ slot: 2, ...empty }, { slot: 0, ...empty }, { slot: 3, ...empty }, undefined],
    )
    assert.equal(second?.data[0], 1)
  })

  it('are stale once they were given back, until their slot comes again as the same object', () => {
    const { frames, kernel } = captured(1, { count: 1 })
    const frame = frames.poll()
    assert.ok(frame)
    frame.release()
    const uses: (() => unknown)[] = [
      () => frame.data,
      () => frame.bytes,
      () => frame.sequence,
      () => frame.timestampNs,
      () => frame.flags,
      () => frame.hold(),
      () => frame.release(),
      () => frame.submit(0),
    ]
    for (const use of uses) assert.throws(use, STALE)
    frame[Symbol.dispose]()
    assert.equal(frame.slot, 0)
    assert.equal(kernel.layout.header[TO_KERNEL], 2, 'it was given back once')
    kernel.capture()
    kernel.publish()
    assert.equal(frames.poll(), frame)
    assert.equal(frame.sequence, 1)
  })

  it('survive the block of their `using` only when they are held, and only that once', () => {
    const { frames, kernel } = captured(1, { count: 1 })
    let kept: Frame | undefined
    {
      using frame = frames.poll()
      kept = frame?.hold()
    }
    assert.equal(kept?.sequence, 0)
    kept?.release()
    kernel.capture()
    kernel.publish()
    {
      using frame = frames.poll()
      assert.equal(frame?.sequence, 1)
    }
    assert.throws(() => kept?.data, STALE)
  })

  it('leave gaps where they were overrun or missed, and both are counted', () => {
    const { frames, kernel } = captured(4)
    for (const _ of [1, 2, 3]) kernel.capture()
    kernel.miss(5)
    for (let seen = 0; seen < 4; seen++) frames.poll()?.release()
    kernel.capture()
    kernel.publish()
    assert.equal(frames.poll()?.sequence, 4 + 3 + 5)
    assert.deepEqual([frames.overruns, frames.missed], [3, 5])
  })

  it('are counted beyond 2^32 of them', () => {
    const { frames, kernel } = captured(0)
    const { header } = kernel.layout
    header[OVERRUNS] = -1
    header[MISSED] = -2
    assert.deepEqual([frames.overruns, frames.missed], [2 ** 32 - 1, 2 ** 32 - 2])
    header[OVERRUNS] = 1
    header[MISSED] = 2
    assert.deepEqual([frames.overruns, frames.missed], [2 ** 32 + 1, 2 ** 32 + 2])
  })

  it('without content go back at once', () => {
    const { frames, kernel } = pair('capture')
    const slot = kernel.take()?.slot as number
    kernel.giveBack(slot)
    kernel.capture()
    kernel.publish()
    assert.equal(frames.poll()?.sequence, 0)
    assert.equal(frames.held, 1)
    const rest = [kernel.take(), kernel.take(), kernel.take()]
    assert.deepEqual(
      rest.map((frame) => frame?.slot),
      [2, 3, slot],
    )
  })

  it('go on where positions wrap', () => {
    for (const start of [0x7fff_fffe, -2]) {
      const { frames, kernel } = captured(0, { count: 3, start })
      for (let round = 0; round < 20; round++) {
        kernel.capture()
        kernel.publish()
        const frame = frames.poll()
        assert.equal(frame?.data[0], round)
        frame?.release()
        assert.equal(frames.poll(), undefined)
      }
    }
  })

  it('wake the kernel when it sleeps, once', () => {
    const { frames, kernel, bell } = captured(4)
    const held = [frames.poll(), frames.poll()]
    kernel.sleep()
    held[1]?.release()
    held[0]?.release()
    assert.equal(bell.notified, 1)
    assert.equal(kernel.layout.header[KERNEL_WAKE], 0)
  })

  it('ring who polls in vain', () => {
    const { frames, kernel } = captured(1)
    frames.poll()
    kernel.capture()
    assert.equal(kernel.publish(), false, 'nobody has looked since')
    frames.poll()
    assert.equal(frames.poll(), undefined)
    kernel.capture()
    assert.equal(kernel.publish(), true)
  })

  it('are refused options that are wrong', () => {
    const { frames } = captured(0)
    const signal = new AbortController().signal as never
    for (const call of ['iterate', 'latest', 'toReadable'] as const)
      assert.throws(() => frames[call](signal), INVALID)
  })
})

describe('an iteration', () => {
  it('takes what comes, and ends after what was published before the end', async () => {
    const { frames, kernel, bell } = captured(2)
    const seen: number[] = []
    const reading = (async () => {
      for await (using frame of frames) seen.push(frame.data[0] as number)
    })()
    await settle()
    assert.deepEqual(seen, [0, 1])
    kernel.capture()
    assert.equal(kernel.publish(), true)
    await settle()
    kernel.capture()
    kernel.publish()
    bell.end()
    await reading
    assert.deepEqual(seen, [0, 1, 2, 3])
  })

  it('leaves what it did not hand out to the next, and rings who waits for the doorbell', async () => {
    const { frames, kernel, bell } = captured(3)
    for await (const frame of frames) {
      assert.equal(frame.sequence, 0)
      break
    }
    assert.equal(bell.rings, 2, 'by the kernel, and for what is left')
    assert.equal(kernel.layout.header[USER_WAKE], 1)
    assert.deepEqual(sequences([(await frames.iterate().next()).value]), [1])
  })

  it('is one at a time', async () => {
    const { frames } = captured(4)
    const first = frames.iterate()
    await first.next()
    assert.throws(() => frames.poll(), IN_USE)
    for (const other of [frames.iterate(), frames.latest()]) {
      await assert.rejects(other.next(), IN_USE)
      assert.deepEqual(await other.next(), { value: undefined, done: true })
    }
    await first.return(undefined)
    assert.equal(frames.poll()?.sequence, 1)
  })

  it('is left at once while it waits, and by its signal', async () => {
    const { frames, kernel } = captured(0)
    const steps = frames.iterate()
    const waiting = steps.next()
    await steps.return(undefined)
    assert.equal((await waiting).done, true)
    const controller = new AbortController()
    const aborted = frames.iterate({ signal: controller.signal }).next()
    controller.abort(new Error('enough'))
    await assert.rejects(aborted, /enough/)
    kernel.capture()
    kernel.publish()
    assert.equal(frames.poll()?.sequence, 0)
  })

  it('of the latest hands out the newest, and counts the others', async () => {
    const { frames, kernel } = captured(3)
    const steps = frames.latest()
    const newest = (await steps.next()).value
    assert.deepEqual([newest?.sequence, frames.skipped, frames.held], [2, 2, 1])
    kernel.capture()
    kernel.publish()
    assert.equal((await steps.next()).value?.sequence, 3)
    assert.equal(frames.skipped, 2)
  })

  it('of the latest is not kept for good by a kernel that fills what comes back at once', async () => {
    const { frames, kernel, bell } = captured(4)
    // Whatever is given back is filled and published before the program looks again.
    let refills = 0
    kernel.sleep()
    bell.notify = () => {
      kernel.capture()
      kernel.publish()
      kernel.sleep()
      assert.ok(++refills < 100, 'it never comes to an end')
    }
    const { value } = await frames.latest().next()
    assert.equal(value?.sequence, 3)
    assert.equal(frames.skipped, 3)
  })
})

describe('a kernel that writes nonsense', () => {
  const spoils: [what: string, spoil: (both: Both) => void][] = [
    ['a slot that there is not', ({ kernel }) => kernel.give(4, { bytes: 1 })],
    ['a negative slot', ({ kernel }) => kernel.give(-1, { bytes: 1 })],
    ['a frame longer than its slot', ({ kernel }) => kernel.give(0, { bytes: BYTES + 1 })],
    ['a frame of 2^32 - 1 bytes', ({ kernel }) => kernel.give(0, { bytes: -1 })],
    ['more frames than slots', ({ kernel }) => [1, 2, 3, 4, 5].map(() => kernel.give(0))],
  ]
  for (const [what, spoil] of spoils)
    it(`is found out: ${what}`, async () => {
      for (const take of [
        ({ frames }: Both) => frames.poll(),
        ({ frames }: Both) => frames.iterate().next(),
        ({ frames }: Both) => frames.latest().next(),
      ]) {
        const both = pair('capture')
        spoil(both)
        both.kernel.publish()
        await assert.rejects(async () => take(both), CORRUPT)
      }
    })

  it('is found out: a slot that the program holds', () => {
    const { frames, kernel } = captured(1)
    frames.poll()
    kernel.give(0, { bytes: 1 })
    kernel.publish()
    assert.throws(() => frames.poll(), CORRUPT)
  })

  it('frees the frames for another iteration, which finds the same', async () => {
    const { frames, kernel } = captured(0)
    kernel.give(9)
    kernel.publish()
    for (let round = 0; round < 2; round++) await assert.rejects(frames.iterate().next(), CORRUPT)
  })
})

describe('when the share has ended', () => {
  it('data stays readable, and giving back is of no effect', () => {
    const { frames, kernel, bell } = captured(2)
    const [first, second] = [frames.poll(), frames.poll()]
    kernel.sleep()
    bell.end()
    assert.equal(first?.data[0], 0)
    first?.release()
    second?.submit(1)
    assert.equal(kernel.layout.header[TO_KERNEL], 4)
    assert.equal(bell.notified, 0)
    assert.throws(() => first?.data, STALE)
    assert.equal(frames.poll(), undefined)
  })

  it('and its memory has another use, frames leave it alone', async () => {
    const { frames, kernel, bell } = captured(3)
    const frame = frames.poll()
    const steps = frames.iterate()
    await steps.next()
    bell.ended = true
    bell.lost = new PendshareError('ERR_PENDSHARE_ENDED', 'lent again')
    const before = kernel.layout.header.slice()
    await assert.rejects(steps.next(), ENDED)
    assert.throws(() => frames.poll(), ENDED)
    assert.throws(() => frame?.data, ENDED)
    frame?.release()
    assert.deepEqual(kernel.layout.header, before)
  })

  it('the next owner goes on where the last left off; what that one held stays its own', () => {
    const { frames, kernel, bell, memory } = captured(3)
    frames.poll()
    const next = new Frames(memory, bell)
    assert.deepEqual(sequences([next.poll(), next.poll(), next.poll()]), [1, 2, undefined])
    kernel.capture()
    kernel.publish()
    assert.equal(next.poll()?.sequence, 3)
  })
})
