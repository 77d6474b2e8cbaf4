/** The golden vectors of frames: `Frames` is the owner, the kernel's side is that of driver.ts. */
import assert from 'node:assert/strict'
import { PendshareError } from '../../src/errors.ts'
import type { Frame } from '../../src/frames/frame.ts'
import { Frames } from '../../src/frames/frames.ts'
import { framesData, framesEntries, framesLength, USER_WAKE } from '../../src/frames/layout.ts'
import { describeVectors } from '../golden.ts'
import { CORRUPT, Kernel, NONE } from './driver.ts'

class Player {
  #kernel: Kernel | undefined
  #frames: Frames | undefined
  #inHand: Frame[] = []
  #notified = 0

  get kernel(): Kernel {
    return this.#kernel ?? assert.fail('no frames yet')
  }

  frames(count: number, bytes: number, pageSize: number, playback: boolean, start: number): void {
    this.#kernel = new Kernel({ count, bytes, pageSize, playback, start })
    this.open()
  }

  /** A new owner, in whose hand there is nothing. */
  open(): string {
    const notify = () => {
      this.#notified++
    }
    this.#inHand = []
    this.#frames = new Frames(this.kernel.memory, { ended: false, listen: () => () => {}, notify })
    return 'ok'
  }

  take(): string {
    const wake = this.kernel.header[USER_WAKE] as number
    const frame = this.#hold(this.#owner.poll())
    if (frame === undefined) {
      // A poll that finds nothing asks to be rung besides, which in C is a call of its own.
      this.kernel.header[USER_WAKE] = wake
      return 'none'
    }
    const { slot, bytes, sequence, timestampNs, flags } = frame
    return [slot, bytes, sequence, timestampNs, flags].join(':')
  }

  acquire(): string {
    return String(this.#hold(this.#owner.tryAcquire())?.slot ?? 'none')
  }

  submit(slot: number, bytes: number, timestampNs: bigint, flags: number): boolean {
    return this.#notifies(() => this.#frame(slot).submit(bytes, { timestampNs, flags }))
  }

  release(slot: number): boolean {
    return this.#notifies(() => this.#frame(slot).release())
  }

  async sleep(): Promise<void> {
    const steps = this.#owner.iterate()
    const step = steps.next()
    await steps.return(undefined)
    assert.equal((await step).done, true, 'there was something to take')
  }

  kernelTake(): string {
    const slot = this.kernel.take()
    if (slot === NONE) return 'none'
    if (slot === CORRUPT) return 'corrupt'
    const { bytes, timestampNs, flags } = this.kernel
    return [slot, bytes, timestampNs, flags].join(':')
  }

  words(where: string): Uint32Array {
    if (where === 'header') return this.kernel.header
    if (where === 'to-user') return this.kernel.toUser
    return where === 'to-kernel' ? this.kernel.toKernel : assert.fail(`no words of ${where}`)
  }

  get #owner(): Frames {
    return this.#frames ?? assert.fail('no frames yet')
  }

  #hold(frame: Frame | undefined): Frame | undefined {
    if (frame !== undefined) this.#inHand[frame.slot] = frame
    return frame
  }

  #frame(slot: number): Frame {
    return this.#inHand[slot] ?? assert.fail(`slot ${slot} is not in hand`)
  }

  #notifies(give: () => void): boolean {
    const before = this.#notified
    give()
    return this.#notified > before
  }
}

const player = new Player()

const ours = (gave: boolean) => (gave ? 'ok' : 'not-ours')
const bit = (is: boolean) => (is ? '1' : '0')

/** `corrupt`, when that is what the error says. */
function attempt(action: () => string): string {
  try {
    return action()
  } catch (error) {
    if (error instanceof PendshareError && error.code === 'ERR_PENDSHARE_FRAMES_CORRUPT') return 'corrupt'
    throw error
  }
}

/** What each step does with its numbers, and what it says came of it: the last word of its line. */
const steps: Record<string, (numbers: number[], args: string[]) => string> = {
  open: () => attempt(() => player.open()),
  take: () => attempt(() => player.take()),
  acquire: () => attempt(() => player.acquire()),
  submit: ([slot = 0, bytes = 0, , flags = 0], args) =>
    bit(player.submit(slot, bytes, BigInt(args[2] ?? ''), flags)),
  release: ([slot = 0]) => bit(player.release(slot)),
  'kernel-take': () => player.kernelTake(),
  'kernel-give': ([slot = 0, bytes = 0, , flags = 0], args) =>
    ours(player.kernel.give(slot, bytes, BigInt(args[2] ?? ''), flags)),
  'kernel-back': ([slot = 0]) => ours(player.kernel.giveBack(slot)),
  'kernel-sleep': () => bit(player.kernel.sleep()),
  kernels: () => String(player.kernel.kernels),
  publish: () => bit(player.kernel.publish()),
  entries: ([count = 0]) => String(framesEntries(count)),
  data: ([count = 0, pageSize = 0]) => String(framesData(count, pageSize)),
  length: ([count = 0, bytes = 0, pageSize = 0]) => String(framesLength(count, bytes, pageSize)),
}

describeVectors('frames', (step, args) => {
  const numbers = args.map(Number)
  const [first = 0, second = 0, third = 0] = numbers
  const judged = steps[step]
  if (judged !== undefined) return assert.equal(judged(numbers, args), args.at(-1))
  switch (step) {
    case 'frames':
      return player.frames(first, second, third, args[3] === 'playback', numbers[4] ?? 0)
    case 'sleep':
      return player.sleep()
    case 'overrun':
      return player.kernel.overrun()
    case 'miss':
      return player.kernel.miss(first)
    case 'set':
      player.words(args[0] ?? '')[second] = third
      return
    default:
      return assert.deepEqual(
        [...player.words(step).subarray(first, first + args.length - 1)],
        numbers.slice(1),
      )
  }
})
