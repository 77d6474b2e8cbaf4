/**
 * A native thread on the kernel's side of frames and JavaScript on the owner's, in the same memory at the same time: frames that follow from
 * a seed, in few slots and many, given in random order by both, with positions that wrap. Nothing may be lost, torn or reordered, what is
 * overrun or skipped must be counted, and no wake-up may get lost.
 */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { setImmediate } from 'node:timers/promises'
import type { Frame } from '../../../packages/core/src/frames/frame.ts'
import { Frames, type FramesBell } from '../../../packages/core/src/frames/frames.ts'
import { FRAME_OWN_FLAGS, framesLength } from '../../../packages/core/src/frames/layout.ts'
import { Bell, type Done, inRounds, numbers, type Outcome, told } from '../shared/native.ts'
import { mix, StreamData } from '../shared/stream.ts'

interface Options {
  readonly seed: number
  readonly frames: number
  readonly count: number
  readonly bytes: number
  /** First position: close to 2^32 it wraps soon. */
  readonly start: number
  readonly playback: boolean
  /** Who captures waits for a slot instead of overrunning. */
  readonly lossless: boolean
  /** Who plays gives some slots back with frames of its own. */
  readonly echo: boolean
}

interface Addon {
  /** Returns what wakes the thread. */
  kernel(memory: Uint8Array, options: Options, ring: () => void, done: Done): () => void
}

const addon: Addon = createRequire(import.meta.url)('./build/frames.node')

class FramesTestBell extends Bell implements FramesBell {
  readonly #notify: () => void

  constructor(notify: () => void) {
    super()
    this.#notify = notify
  }

  notify(): void {
    this.#notify()
  }
}

/** Fills and checks frames as stream.h says. */
class Content {
  readonly #data: StreamData
  readonly #options: Options

  constructor(memory: Uint8Array, options: Options) {
    this.#data = new StreamData(memory, options.seed)
    this.#options = options
  }

  submit(frame: Frame, n: number): void {
    const { bytes, flags } = this.#expected(n)
    frame.data.fill(0xaa)
    this.#data.fill(n, frame.data.byteOffset, bytes)
    frame.submit(bytes, { flags, timestampNs: BigInt(n + 1) })
  }

  check(frame: Frame): void {
    const n = frame.sequence
    const { bytes, flags } = this.#expected(n)
    if (frame.bytes !== bytes || frame.flags !== flags || frame.timestampNs !== BigInt(n + 1))
      assert.fail(`frame ${n} is described as another`)
    if (!this.#data.holds(n, frame.data.byteOffset, bytes)) assert.fail(`frame ${n} is torn`)
  }

  #expected(n: number): { bytes: number; flags: number } {
    const mixed = mix(this.#options.seed ^ Math.imul(n, 0x9e3779b1))
    return { bytes: mixed % (this.#options.bytes + 1), flags: (mixed & FRAME_OWN_FLAGS) >>> 0 }
  }
}

/** What is read, and what of it is still in hand. */
class Reading {
  received = 0
  missing = 0
  readonly #content: Content
  readonly #count: number
  readonly #hand: Frame[] = []
  #next = 0
  #random: number

  constructor(memory: Uint8Array, options: Options) {
    this.#content = new Content(memory, options)
    this.#count = options.count
    this.#random = options.seed
  }

  /** Keeps some of them, but never all, as the thread would wait for ever. They must not change in the meantime. */
  frame(frame: Frame): void {
    if (frame.sequence < this.#next) assert.fail(`frame ${frame.sequence} comes after ${this.#next - 1}`)
    this.missing += frame.sequence - this.#next
    this.#next = frame.sequence + 1
    this.received++
    this.#content.check(frame)
    this.#hand.push(frame.hold())
    while (this.#hand.length > 0 && (this.#hand.length >= this.#count || this.chance(2))) this.#release()
  }

  end(frames: number): void {
    while (this.#hand.length > 0) this.#release()
    this.missing += frames - this.#next
  }

  chance(of: number): boolean {
    this.#random = mix(this.#random + 0x9e3779b9)
    return this.#random % of === 0
  }

  #release(): void {
    const at = mix(this.received + this.#hand.length) % this.#hand.length
    const [frame] = this.#hand.splice(at, 1)
    if (frame === undefined) assert.fail('nothing in hand')
    this.#content.check(frame)
    frame.data.fill(0xaa)
    frame.release()
  }
}

type Read = (frames: Frames, bell: Bell, reading: Reading) => Promise<void>

const readAll: Read = async (frames, _bell, reading) => {
  for await (const frame of frames) reading.frame(frame)
}

const readLatest: Read = async (frames, _bell, reading) => {
  for await (const frame of frames.latest()) {
    reading.frame(frame)
    if (reading.chance(16)) await setImmediate()
  }
}

const poll: Read = async (frames, bell, reading) => {
  for (;;) {
    const { ended } = bell
    const frame = frames.poll()
    if (frame !== undefined) reading.frame(frame)
    else if (ended) return
    else await setImmediate()
  }
}

/** Takes some frames, leaves, and waits for the bell: again and again, so that a ring which is lost hangs the test. */
const readAndLeave: Read = async (frames, bell, reading) => {
  while (!bell.ended) {
    await bell.wait()
    let left = 1 + (mix(reading.received) % 100)
    for await (const frame of frames) {
      reading.frame(frame)
      if (--left === 0) break
      // Not to wait within: what is left when there is nothing is to be told by a ring.
      if (mix(left) % 8 === 0) break
    }
  }
  await readAll(frames, bell, reading)
}

/** The thread runs: its frames, how it rings, and what came of it. */
function start(memory: Uint8Array, options: Options) {
  const bell = new FramesTestBell(() => notify())
  const { ended, done } = told(() => bell.end())
  const notify = addon.kernel(memory, options, () => bell.ring(), done)
  return { frames: new Frames(memory, bell), bell, ended }
}

type Way = (memory: Uint8Array, options: Options) => Promise<Outcome>

const capture =
  (read: Read): Way =>
  async (memory, options) => {
    const { frames, bell, ended } = start(memory, options)
    const reading = new Reading(memory, options)
    await read(frames, bell, reading)
    reading.end(options.frames)
    const outcome = await ended
    assert.equal(reading.received + frames.skipped, outcome.received)
    assert.equal(reading.missing, frames.overruns + frames.skipped)
    assert.equal(frames.overruns, outcome.dropped)
    assert.equal(frames.held, 0)
    if (options.lossless) assert.equal(frames.overruns, 0)
    return { ...outcome, received: reading.received, missing: reading.missing }
  }

const WRITERS = 3

/** Some who acquire, hold a while and submit, side by side: each waits with nothing in hand. */
async function writeAll(frames: Frames, bell: Bell, content: Content, options: Options): Promise<void> {
  let n = 0
  const write = async (writer: number): Promise<void> => {
    for (let turn = writer; n < options.frames; turn++) {
      const frame = frames.tryAcquire() ?? (await frames.acquire())
      const random = mix(options.seed ^ turn ^ (writer << 28))
      if (random % 64 === 0) await setImmediate()
      if (random % 32 === 1 || n >= options.frames) frame.release()
      else content.submit(frame, n++)
      if (random % 16 === 2) await null
    }
  }
  const ending = (error: unknown) => {
    if (!bell.ended || n < options.frames) throw error
  }
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer).catch(ending)))
}

const playback: Way = async (memory, options) => {
  const { frames, bell, ended } = start(memory, options)
  await Promise.all([ended, writeAll(frames, bell, new Content(memory, options), options)])
  const outcome = await ended
  assert.equal(outcome.received, options.frames)
  return { ...outcome, dropped: 0 }
}

/** Who writes and who reads wait by the same word, and take from the same queue. */
const echo: Way = async (memory, options) => {
  const { frames, bell, ended } = start(memory, options)
  const content = new Content(memory, options)
  let next = 0
  const read = async (): Promise<void> => {
    for await (using frame of frames) {
      assert.equal(frame.sequence, next++)
      content.check(frame)
      if (mix(next) % 64 === 0) await setImmediate()
    }
  }
  await Promise.all([ended, writeAll(frames, bell, content, options), read()])
  const outcome = await ended
  assert.equal(outcome.received, options.frames)
  assert.equal(outcome.dropped, next)
  return outcome
}

const COUNTS = [1, 2, 3, 4, 7, 16, 33, 256]
/** With fewer the sides wait for each other at nearly every frame: a quarter of the frames takes as long. */
const FEW = 4

/** Sends up to `number` frames, in slots whose number and size follow from the seed. */
async function fuzz(what: string, way: Way, number: number, seed: number): Promise<void> {
  await inRounds(what, seed, async (random, round, rounds) => {
    const count = COUNTS[(random >>> 8) % COUNTS.length] ?? 1
    const options: Options = {
      seed: random,
      frames: Math.ceil(number / rounds / (count < FEW ? 4 : 1)),
      count,
      bytes: 8 << ((random >>> 16) % 6),
      start: round % 2 === 0 ? 0 : (0 - 256 * (random & 15)) >>> 0,
      playback: way === playback || way === echo,
      lossless: round % 3 !== 0,
      echo: way === echo,
    }
    const length = framesLength(count, options.bytes, 8)
    const memory = new Uint8Array(new SharedArrayBuffer(length, { maxByteLength: length }), 0, length)
    return await way(memory, options).catch((cause: unknown) => {
      throw new Error(`${what} with ${JSON.stringify(options)}`, { cause })
    })
  })
}

const { records, seed } = numbers()
for (const [what, way] of [
  ['captured, iterated over', capture(readAll)],
  ['captured, the latest', capture(readLatest)],
  ['captured, polled', capture(poll)],
  ['captured, left again and again', capture(readAndLeave)],
  ['played', playback],
  ['played and echoed', echo],
] as const)
  await fuzz(what, way, records, seed)
