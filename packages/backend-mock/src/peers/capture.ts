/**
 * The peer `capture` fills frames with numbered words and their sum: a device that captures. With a period it loses what
 * finds no slot, as a device does; without, it waits until it is notified of one.
 */
import { refusal } from '../refusal.ts'
import type { PeerFrames } from './frames.ts'
import { checkRange, fields } from './options.ts'
import type { MockPeer, PeerShare } from './peer.ts'

const HEAD_BYTES = 16
const FACTOR = 0x9e3779b1
/** Written by one step. */
const STEP_BYTES = 1 << 20

export const capture: MockPeer = {
  name: 'capture',
  access: 'readwrite',
  frames: true,
  attach(share) {
    const [periodNs = 0, givenBytes = 0, count = 0, givenWritten = 0] = fields(share.options, 4)
    const frames = share.frames({ playback: false })
    const bytes = givenBytes || frames.bytes
    const written = Math.min(givenWritten || bytes, bytes)
    checkRange('The length of a frame', bytes, HEAD_BYTES, frames.bytes)
    checkRange('What is written of a frame', written, HEAD_BYTES, bytes)
    if (bytes % 4 !== 0) throw refusal('EINVAL', `The length of a frame is a multiple of 4, not ${bytes}.`)
    const capturing = new Capturing(share, frames, { timed: periodNs > 0, bytes, count, written })
    if (periodNs > 0) share.every(periodNs)
    else share.wake()
    share.written(frames.offset(0))
    return {
      step: (now, ticks) => capturing.step(now, ticks),
      notify: () => {
        if (periodNs === 0) share.wake()
      },
    }
  },
}

interface Options {
  readonly timed: boolean
  readonly bytes: number
  readonly count: number
  readonly written: number
}

class Capturing {
  readonly #share: PeerShare
  readonly #frames: PeerFrames
  readonly #options: Options
  /** The slot of the unfinished frame. */
  #slot: number | undefined
  /** Words of it that are filled. */
  #at = 0
  #sum = 0
  /** Ticks that came too late, and that the sequence does not count yet. */
  #late = 0

  constructor(share: PeerShare, frames: PeerFrames, options: Options) {
    this.#share = share
    this.#frames = frames
    this.#options = options
  }

  step(now: number, ticks: number): boolean {
    const { timed, count } = this.#options
    // One tick is for a frame; those told with it, or while one is unfinished, get none.
    this.#late += Math.max(0, ticks - (this.#slot === undefined ? 1 : 0))
    const more = this.#slot === undefined && this.#begin()
    const slot = this.#slot
    if (slot !== undefined) {
      if (this.#fill(slot)) return true
      this.#finish(slot, now)
      this.#frames.publish()
    }
    if (count > 0 && this.#frames.sequence >= count) {
      this.#share.end()
      return false
    }
    return !timed && (slot !== undefined || more)
  }

  /** Takes a slot for the next frame; an unfinished one has its number already. True: there was none, and one has come meanwhile. */
  #begin(): boolean {
    if (this.#late > 0) this.#frames.miss(this.#late)
    this.#late = 0
    this.#slot = this.#frames.take()?.slot
    this.#at = HEAD_BYTES / 4
    this.#sum = 0
    if (this.#slot !== undefined) return false
    if (!this.#options.timed) return !this.#frames.sleep()
    this.#frames.overrun()
    return false
  }

  /** Fills on; true: there is more. */
  #fill(slot: number): boolean {
    const words = this.#words(slot)
    const end = Math.floor(this.#options.written / 4)
    const stop = Math.min(end, this.#at + STEP_BYTES / 4)
    for (; this.#at < stop; this.#at++) {
      const word = Math.imul(this.#frames.sequence + this.#at, FACTOR)
      words[this.#at] = word
      this.#sum = (this.#sum + word) | 0
    }
    return this.#at < end
  }

  #finish(slot: number, now: number): void {
    const { bytes } = this.#options
    const { sequence } = this.#frames
    const words = this.#words(slot)
    words[0] = sequence
    words[1] = sequence / 0x1_0000_0000
    words[3] = bytes
    words[2] = this.#sum + (words[0] as number) + (words[1] as number) + bytes
    this.#frames.give(slot, { bytes, timestampNs: BigInt(now) })
    this.#slot = undefined
  }

  #words(slot: number): Uint32Array {
    const { buffer, byteOffset, byteLength } = this.#frames.memory(slot)
    return new Uint32Array(buffer, byteOffset, byteLength / 4)
  }
}
