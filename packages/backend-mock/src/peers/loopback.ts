/**
 * The peer `loopback` inverts each byte of a frame that the program has submitted, where it lies, and gives it back: a device
 * that plays and captures. What comes EMPTY goes back as it is.
 */
import { FRAME_OWN_FLAGS } from '@pendshare/core/frames/layout'
import type { PeerFrames, TakenFrame } from './frames.ts'
import { fields } from './options.ts'
import type { MockPeer } from './peer.ts'

/** Inverted by one step. */
const STEP_BYTES = 1 << 20

export const loopback: MockPeer = {
  name: 'loopback',
  access: 'readwrite',
  frames: true,
  attach(share) {
    fields(share.options, 0)
    const frames = share.frames({ playback: true })
    const looping = new Looping(frames)
    share.written(frames.offset(0))
    // The first step asks to be notified, and sees what a program has given before.
    share.wake()
    return { notify: () => share.wake(), step: (now) => looping.step(now) }
  },
}

class Looping {
  readonly #frames: PeerFrames
  /** The unfinished one. */
  #frame: TakenFrame | undefined
  #offset = 0
  #given = false

  constructor(frames: PeerFrames) {
    this.#frames = frames
  }

  /** True: there is more to do right away. No more turns than slots, whatever the program gives meanwhile. */
  step(now: number): boolean {
    let budget = STEP_BYTES
    let more = true
    for (let turns = this.#frames.count; more && budget > 0 && turns > 0; turns--) {
      if (this.#frame === undefined) more = this.#begin()
      if (this.#frame === undefined) continue
      budget -= this.#invert(this.#frame, budget)
      if (this.#offset < this.#frame.bytes) break
      this.#finish(this.#frame, now)
    }
    if (this.#given) this.#frames.publish()
    this.#given = false
    return more
  }

  /** True: there is a frame to invert, or another to look at. */
  #begin(): boolean {
    const frame = this.#frames.take()
    if (frame === undefined) return !this.#frames.sleep()
    this.#offset = 0
    if (frame.empty) this.#giveBack(frame.slot)
    else this.#frame = frame
    return true
  }

  /** Inverts on, and says how many bytes. */
  #invert({ slot, bytes }: TakenFrame, budget: number): number {
    const memory = this.#frames.memory(slot)
    const from = this.#offset
    const stop = Math.min(bytes, from + budget)
    for (let at = from; at < stop; at++) memory[at] = ~(memory[at] as number)
    this.#offset = stop
    return stop - from
  }

  #giveBack(slot: number): void {
    this.#frames.giveBack(slot)
    this.#given = true
  }

  #finish({ slot, bytes, flags }: TakenFrame, now: number): void {
    this.#frame = undefined
    this.#given = true
    this.#frames.give(slot, {
      bytes,
      timestampNs: BigInt(now),
      flags: (flags & FRAME_OWN_FLAGS) >>> 0,
    })
  }
}
