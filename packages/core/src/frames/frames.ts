/**
 * The owner's side of frames: takes what the kernel gives, and gives slots back in any order. Belongs to one thread at a time.
 *
 * A slot is the kernel's, or ours: then the program has it, or, for playback, it lies in a pool until somebody acquires it.
 */
import { endedError, PendshareError } from '../errors.ts'
import { END, Iteration, type Source } from '../iteration.ts'
import { type Listening, listen } from '../listening.ts'
import type { RingBell } from '../ring/reader.ts'
import { type ListenOptions, parse, type WaitOptions, waitOptions } from '../schemas.ts'
import { type Frame, type FrameOwner, isEmpty, SlotFrame } from './frame.ts'
import { corrupt, FRAME_EMPTY, MISSED, OVERRUNS, readLayout } from './layout.ts'
import { Pool } from './pool.ts'
import { Queues } from './queues.ts'
import { readable, writable } from './streams.ts'

/** How the owner learns that the kernel has rung, and wakes it. */
export interface FramesBell extends RingBell {
  /** Wakes the peer, which waits for slots. */
  notify(): void
}

/** Iterating it is `iterate()`. */
export class Frames implements AsyncIterable<Frame, undefined, undefined> {
  /** How many slots there are. */
  readonly count: number
  /** Of a slot. */
  readonly bytes: number
  /** In whose hands the slots are at first: `capture`, the kernel's; `playback`, the program's. */
  readonly direction: 'capture' | 'playback'
  readonly #header: Int32Array
  readonly #queues: Queues
  readonly #frames: readonly SlotFrame[]
  readonly #bell: FramesBell
  /** Slots that `acquire()` has for playback. */
  readonly #pool: Pool
  #overruns = 0
  #missed = 0
  #skipped = 0
  #busy = false

  /**
   * Goes on where the last owner of these frames left off; slots that it still had stay its own. `memory` holds frames that were laid out.
   * Throws `ERR_PENDSHARE_FRAMES_CORRUPT` when it does not.
   */
  constructor(memory: Uint8Array, bell: FramesBell) {
    const layout = readLayout(memory)
    this.count = layout.count
    this.bytes = layout.bytes
    this.direction = layout.playback ? 'playback' : 'capture'
    this.#header = layout.header
    this.#queues = new Queues(layout)
    this.#frames = layout.slots.map((data, slot) => new SlotFrame(this.#owner, slot, data))
    this.#bell = bell
    this.#pool = new Pool(layout.count)
  }

  /** Frames that the peer had and found no slot for, in all. Exact as long as it is read once in 2^32 of them. */
  get overruns(): number {
    this.#overruns += (Atomics.load(this.#header, OVERRUNS) - this.#overruns) >>> 0
    return this.#overruns
  }

  /** Frames that a peer's timer came too late for, in all; 0 where no timer makes them. Exact as `overruns` is. */
  get missed(): number {
    this.#missed += (Atomics.load(this.#header, MISSED) - this.#missed) >>> 0
    return this.#missed
  }

  /** Frames that `latest()` has given back unseen. */
  get skipped(): number {
    return this.#skipped
  }

  /** Slots in the program's hand, those that wait to be acquired included. */
  get held(): number {
    return this.#frames.reduce((sum, { inHand }) => sum + (inHand ? 1 : 0), this.#pool.size)
  }

  /**
   * The next frame with content, if there is one: for programs with a loop of their own. Nothing is allocated. Where it returns
   * `undefined`, the next one rings: `share.doorbell` can be waited for.
   *
   * @throws PendshareError `ERR_PENDSHARE_FRAMES_IN_USE` while an iteration is under way, `ERR_PENDSHARE_FRAMES_CORRUPT`,
   * `ERR_PENDSHARE_ENDED` once the region is lent again
   */
  poll(): Frame | undefined {
    if (this.#busy) throw inUse()
    for (;;) {
      const frame = this.#poll()
      if (frame !== undefined || this.#bell.ended || this.#queues.sleep()) return frame
    }
  }

  /**
   * Frames with content as they come, until the share has ended and all were handed out. Each stays the program's until it is
   * released or submitted, in any order; `for await (using frame of share.frames)` releases it when the body is left, unless it was
   * held. What was not handed out when the iteration is left stays for the next one.
   *
   * A step rejects with the signal's reason, with `ERR_PENDSHARE_FRAMES_CORRUPT`, and with `ERR_PENDSHARE_FRAMES_IN_USE` when
   * there is an iteration already. Throws `ERR_PENDSHARE_INVALID_ARGUMENT`.
   */
  iterate(options: WaitOptions = {}): AsyncGenerator<Frame, undefined, undefined> {
    const { signal } = parse(waitOptions, options, 'frames.iterate()')
    return new Iteration<Frame>(
      this.#source(() => this.#poll()),
      signal,
    )
  }

  [Symbol.asyncIterator](): AsyncGenerator<Frame, undefined, undefined> {
    return this.iterate()
  }

  /**
   * Calls `listener` in the wake-up that brings frames, once for each. A frame is released when the call returns, unless it was held. The
   * last call comes before `share.ended` settles. A kernel that never lets them run out is left to itself for a turn of the event loop each
   * millisecond. Otherwise as `iterate()`; see `Listening`.
   *
   * @throws PendshareError `ERR_PENDSHARE_INVALID_ARGUMENT`, `ERR_PENDSHARE_FRAMES_IN_USE`
   */
  listen(listener: (frame: Frame) => void, options: ListenOptions = {}): Listening {
    const source = this.#source(() => this.#poll())
    return listen<Frame>('frames.listen()', source, listener, options, (frame) => frame[Symbol.dispose]())
  }

  /** The newest frame at each step; the older ones go back at once, and count as `skipped`. Otherwise as `iterate()`. */
  latest(options: WaitOptions = {}): AsyncGenerator<Frame, undefined, undefined> {
    const { signal } = parse(waitOptions, options, 'frames.latest()')
    return new Iteration<Frame>(
      this.#source(() => this.#newest()),
      signal,
    )
  }

  /**
   * A slot to fill and submit, for playback, if there is one now.
   *
   * @throws PendshareError `ERR_PENDSHARE_WRONG_DIRECTION` for capture, `ERR_PENDSHARE_ENDED`, `ERR_PENDSHARE_FRAMES_CORRUPT`
   */
  tryAcquire(): Frame | undefined {
    this.#checkPlayback()
    if (this.#bell.ended) throw endedError('the share of these frames', 'its peer takes no more')
    return this.#acquire()
  }

  /**
   * A slot to fill and submit, for playback, as soon as there is one.
   *
   * Rejects with the signal's reason, and as `tryAcquire()` and an option that is wrong throw.
   */
  async acquire(options: WaitOptions = {}): Promise<Frame> {
    const { signal } = parse(waitOptions, options, 'frames.acquire()')
    this.#checkPlayback()
    const step = await new Iteration<Frame>(this.#acquiring, signal).next()
    if (step.done) throw endedError('the share of these frames', 'its peer takes no more')
    return step.value
  }

  /**
   * A stream with one chunk for each frame: its content, copied, when a read wants it. The frame is released at once.
   *
   * Throws `ERR_PENDSHARE_INVALID_ARGUMENT`; errors as a step of `iterate()` rejects.
   */
  toReadable(options: WaitOptions = {}): ReadableStream<Uint8Array<ArrayBuffer>> {
    return readable(this.iterate(options))
  }

  /**
   * A stream that submits what is written, in as many frames as it takes, each as soon as there is a slot.
   *
   * Throws `ERR_PENDSHARE_INVALID_ARGUMENT`, `ERR_PENDSHARE_WRONG_DIRECTION`; errors as `acquire()` rejects.
   */
  toWritable(options: WaitOptions = {}): WritableStream<Uint8Array> {
    const { signal } = parse(waitOptions, options, 'frames.toWritable()')
    this.#checkPlayback()
    return writable((options) => this.acquire(options), signal)
  }

  readonly #owner: FrameOwner = {
    check: () => this.#checkLost(),
    free: (frame) => this.#free(frame),
    submit: (frame, bytes, flags, timestampNs) => this.#give(frame, bytes, flags, timestampNs),
  }

  readonly #acquiring: Source<Frame> = {
    look: () => {
      for (;;) {
        if (this.#bell.ended) return END
        const value = this.#acquire()
        if (value !== undefined) return { value, done: false }
        if (this.#queues.sleep() || !this.#queues.nextIsEmpty) return undefined
      }
    },
    listen: (wake) => this.#pool.listen(wake, (once) => this.#bell.listen(once)),
  }

  #source(take: () => Frame | undefined): Source<Frame> {
    const bell = this.#bell
    return {
      get ended() {
        return bell.ended
      },
      enter: () => {
        if (this.#busy) throw inUse()
        this.#busy = true
      },
      look: () => {
        for (;;) {
          // Before the position: an end that is seen here is later than all that was published.
          const { ended } = this.#bell
          const value = take()
          if (value !== undefined) return { value, done: false }
          if (ended) return END
          if (this.#queues.sleep()) return undefined
        }
      },
      listen: (wake) => this.#bell.listen(wake),
      pause: () => {},
      leave: () => this.#leave(),
    }
  }

  /** The next frame with content; slots without go to the pool on the way. */
  #poll(): SlotFrame | undefined {
    this.#checkLost()
    while (this.#queues.any()) {
      const frame = this.#take()
      if (frame === undefined) continue
      // What comes next may be for those who wait for a slot, and could not see it.
      this.#pool.wake()
      return frame.handOut()
    }
    return undefined
  }

  /** Of what lies there now: a kernel that fills as fast as this gives back would keep it for good. */
  #newest(): SlotFrame | undefined {
    let newest: SlotFrame | undefined
    this.#checkLost()
    for (let waiting = this.#queues.waiting(); waiting > 0; waiting--) {
      const frame = this.#take()
      if (frame === undefined) continue
      if (newest !== undefined) {
        newest.release()
        this.#skipped++
      }
      newest = frame.handOut()
    }
    if (newest !== undefined) this.#pool.wake()
    return newest
  }

  #acquire(): SlotFrame | undefined {
    this.#checkLost()
    // Frames with content are an iteration's to take.
    while (this.#pool.size === 0 && this.#queues.any() && this.#queues.nextIsEmpty) this.#take()
    const slot = this.#pool.take()
    if (slot === undefined) return undefined
    const frame = this.#frames[slot] as SlotFrame
    frame.empty()
    return frame.handOut()
  }

  /** Takes the entry that comes next; `undefined`: a slot without content, which is in the pool now. */
  #take(): SlotFrame | undefined {
    const { entries, next: at } = this.#queues
    // Each once: the kernel can change them between a check and a use.
    const slot = entries[at] as number
    const length = (entries[at + 1] as number) >>> 0
    const flags = entries[at + 6] as number
    const frame = this.#frames[slot]
    if (frame === undefined) throw corrupt(`there is no slot ${slot}`)
    if (frame.ours) throw corrupt(`slot ${slot} comes from the kernel, which does not have it`)
    if (length > this.bytes) throw corrupt('a frame is longer than its slot')
    this.#queues.advance()
    frame.ours = true
    if (isEmpty(flags)) {
      this.#free(frame)
      return undefined
    }
    frame.come(entries, at, length, flags)
    return frame
  }

  /** For capture it goes back, also where the peer gave it without content. */
  #free(frame: SlotFrame): void {
    if (this.direction === 'playback') this.#pool.put(frame.slot)
    else this.#give(frame, 0, FRAME_EMPTY, 0n)
  }

  #give(frame: SlotFrame, bytes: number, flags: number, timestampNs: bigint): void {
    frame.ours = false
    const { ended, lost } = this.#bell
    if (ended || lost !== undefined) return
    if (this.#queues.give(frame.slot, bytes, flags, timestampNs)) this.#bell.notify()
  }

  /** For frames that lie there already, for which the kernel may have found this iteration awake, those who wait are rung here. */
  #leave(): void {
    this.#busy = false
    const { ended, lost } = this.#bell
    if (ended || lost !== undefined) return
    if (!this.#queues.sleep()) this.#bell.ring?.()
  }

  #checkLost(): void {
    const { lost } = this.#bell
    if (lost !== undefined) throw lost
  }

  #checkPlayback(): void {
    if (this.direction === 'playback') return
    throw new PendshareError(
      'ERR_PENDSHARE_WRONG_DIRECTION',
      'these frames are captured: the kernel fills them, and there is nothing to acquire; iterate over them',
    )
  }
}

function inUse(): PendshareError {
  return new PendshareError(
    'ERR_PENDSHARE_FRAMES_IN_USE',
    'these frames are being iterated over already: there is one consumer at a time; end that loop, or cancel that stream, first',
  )
}
