/** What the laws of frames do: lend memory in slots, wait for frames, look at every word of one that `capture` filled. */
import assert from 'node:assert/strict'
import type { Device, Frame, Frames, Share, ShareBytes, ShareOptions } from '@pendshare/core'
import { readLayout } from '@pendshare/core/frames/layout'
import type { Context } from '../context.ts'

interface Wanted {
  readonly peer: 'capture' | 'loopback'
  readonly count: number
  /** Of a slot. Default: 1. */
  readonly pages?: number
  readonly peerOptions?: object
  readonly signal?: AbortSignal
}

/** Lends new memory of `count` slots. */
export function lendFrames(context: Context, device: Device, wanted: Wanted): Promise<Share> {
  const { count, pages = 1, ...rest } = wanted
  const frames = { count, bytes: pages * device.info.pageSize }
  return context.within(
    `share() for the peer '${wanted.peer}'`,
    device.share({ ...rest, frames } as ShareOptions as ShareBytes),
  )
}

/** A period that a slow machine keeps up with. */
export function period(device: Device): number {
  return Math.max(device.info.minPeriodNs, 500_000)
}

/** The next frame of an iteration, which has to come. */
export async function next(context: Context, steps: AsyncGenerator<Frame>): Promise<Frame> {
  const step = await context.within('the next frame', steps.next())
  assert.ok(!step.done, 'the frames ended too early')
  return step.value
}

/** The frames of an iteration until it ends; each step is bounded by the watchdog. */
export async function* bounded(
  context: Context,
  frames: Frames,
  steps = frames.iterate(),
): AsyncGenerator<Frame, undefined, undefined> {
  try {
    for (;;) {
      const step = await context.within('a frame, or the end of them', steps.next())
      if (step.done) return
      yield step.value
    }
  } finally {
    await steps.return(undefined)
  }
}

/** Fails unless it is this frame of `capture`, whole: abi.h says what it holds. */
export function assertCaptured(frame: Frame, sequence: number, bytes: number): void {
  assert.equal(frame.sequence, sequence, 'a frame is missing, doubled or out of order')
  assertWhole(frame, bytes)
}

/** Fails unless the frame is what its number says. */
export function assertWhole(frame: Frame, bytes: number): void {
  const { data, sequence } = frame
  assert.equal(frame.bytes, bytes, `frame ${sequence} is not whole`)
  const words = new Uint32Array(data.buffer, data.byteOffset, bytes / 4)
  const [low = 0, high = 0, told = 0, length = 0] = words
  assert.deepEqual(
    [low + high * 2 ** 32, length],
    [sequence, bytes],
    `frame ${sequence} is not whole: its head is another's`,
  )
  let sum = low + high + length
  for (let at = 4; at < words.length; at++) {
    const word = words[at] as number
    if (word !== Math.imul(sequence + at, 0x9e3779b1) >>> 0)
      assert.fail(`frame ${sequence} is not whole: word ${at} is ${word}`)
    sum = (sum + word) >>> 0
  }
  assert.equal(told, sum >>> 0, `frame ${sequence} is not whole: its sum differs`)
}

/** A position or count in the header of the frames. */
export function header({ memory }: Share, word: number): number {
  return Atomics.load(readLayout(memory).header, word)
}
