/** Rows `frames`: whole buffers from the kernel to a handler in JavaScript, and what taking one and giving it back costs by itself. */
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Device, type Frame, Frames, formatFrames, framesLength } from 'pendshare'
import type { Case, Contender } from '../rows.ts'

const SIZES = [64 << 10, 1 << 20]
/** As much as lies between the kernel and a program that does something else for a moment. */
const SHARE_BYTES = 8 << 20
const RUN_MS = 1000
const HEADER = 8
const PARAMETERS = '/sys/module/pendshare_bench/parameters'

/** What every contender does with a frame: it looks at its first and its last word. */
class Handler {
  frames = 0
  sum = 0

  take(words: Int32Array): void {
    this.sum = (this.sum + (words[0] ?? 0) + (words[words.length - 1] ?? 0)) | 0
    this.frames++
  }
}

/** Nobody writes the content, as a device would, by DMA, beside the processor: what is measured is how it gets here. */
export function frameCases(device: Device): Case[] {
  return SIZES.map((bytes) => ({
    row: 'frames to JavaScript',
    parameters: { frameBytes: bytes },
    unit: 'frames/s',
    contenders: [frames(device, bytes), reads('read()', bytes, 1), reads('read() in batches', bytes, 16)],
    goals: [
      { peer: 'read()', atLeast: 10 },
      { peer: 'read() in batches', atLeast: 10 },
    ],
  }))
}

function frames(device: Device, bytes: number): Contender {
  return {
    name: 'pendshare',
    async run() {
      const peerOptions = { written: 16 }
      await using share = await device.share({
        peer: 'capture',
        frames: { bytes, count: SHARE_BYTES / bytes },
        peerOptions,
      })
      const { frames } = share
      const words = new Map<Frame, Int32Array>()
      const handler = new Handler()
      const start = performance.now()
      while (performance.now() - start < RUN_MS) {
        for (let frame = frames.poll(); frame !== undefined; frame = frames.poll()) {
          let view = words.get(frame)
          if (view === undefined) {
            view = new Int32Array(frame.data.buffer, frame.data.byteOffset, bytes / 4)
            words.set(frame, view)
          }
          handler.take(view)
          frame.release()
        }
        await share.doorbell.wait()
      }
      return rate(handler.frames, start)
    },
  }
}

/** `batch`: as many frames a call. */
function reads(name: string, bytes: number, batch: number): Contender {
  return {
    name,
    async run() {
      const payload = bytes - HEADER
      writeFileSync(`${PARAMETERS}/record_bytes`, String(payload))
      writeFileSync(`${PARAMETERS}/headers`, 'Y')
      writeFileSync(`${PARAMETERS}/filled`, '0')
      const fd = openSync('/dev/pendshare-bench', 'r')
      writeFileSync(`${PARAMETERS}/filled`, '1')
      const buffer = new Uint8Array(Math.min(bytes * batch, 1 << 20))
      const handler = new Handler()
      const start = performance.now()
      while (performance.now() - start < RUN_MS) {
        const got = readSync(fd, buffer, 0, buffer.length, null)
        for (let at = 0; at < got; at += bytes) handler.take(new Int32Array(buffer.buffer, at, bytes / 4))
      }
      closeSync(fd)
      return rate(handler.frames, start)
    },
  }
}

function rate(frames: number, start: number): number {
  return (frames / (performance.now() - start)) * 1000
}

const COUNT = 64
const ROUNDS = 10_000

/** `addon`: path of one with a function `nothing()`. */
export function takeCase(addon: string): Case {
  const { nothing } = createRequire(import.meta.url)(addon) as { nothing(): void }
  return {
    row: 'frames: take, look, give back',
    parameters: {},
    unit: 'ns',
    contenders: [
      { name: 'pendshare', run: async () => takeAll() },
      { name: 'two Node-API calls', run: async () => callTwice(nothing) },
    ],
    goals: [{ peer: 'two Node-API calls', atMost: 1 }],
  }
}

/** Frames that lie there, each taken, looked at and given back. What refills them in between is not counted. */
function takeAll(): number {
  const shape = { count: COUNT, bytes: 64, pageSize: 8 }
  const memory = new Uint8Array(framesLength(COUNT, shape.bytes, shape.pageSize))
  formatFrames(memory, { ...shape, playback: false })
  const words = new Int32Array(memory.buffer)
  const bell = { ended: false, listen: () => () => {}, notify: () => {} }
  const frames = new Frames(memory, bell)
  const toUser = 512 / 4
  for (let slot = 0; slot < COUNT; slot++) {
    words[toUser + slot * 8] = slot
    words[toUser + slot * 8 + 1] = shape.bytes
  }
  let ns = 0
  let sum = 0
  for (let round = 1; round <= ROUNDS; round++) {
    Atomics.store(words, 64 / 4, round * COUNT) // the kernel has given them all once more
    const start = performance.now()
    for (let frame = frames.poll(); frame !== undefined; frame = frames.poll()) {
      sum += frame.data[0] ?? 0
      frame.release()
    }
    ns += (performance.now() - start) * 1e6
  }
  if (sum !== 0) throw new Error('somebody has written the frames')
  return ns / (COUNT * ROUNDS)
}

function callTwice(nothing: () => void): number {
  const start = performance.now()
  for (let i = 0; i < COUNT * ROUNDS; i++) {
    nothing()
    nothing()
  }
  return ((performance.now() - start) * 1e6) / (COUNT * ROUNDS)
}
