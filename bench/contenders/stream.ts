/** Rows `stream` and `samples`: records, and samples without headers, from the kernel to a handler in JavaScript, by ring, by read(), and from a process by socket. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Device } from 'pendshare'
import type { Case, Contender, Goal } from '../rows.ts'

const SIZES = [16, 64, 256, 4096, 65536]
/** Where the data of a ring starts in its share. */
const RING_DATA = 4096
/** `blast` publishes a quarter at a time: as much as one read() brings. */
const RING_BYTES = RING_DATA + (4 << 20)
const READ_BYTES = 1 << 20
const HEADER = 8
const RUN_MS = 1000
const PARAMETERS = '/sys/module/pendshare_bench/parameters'

/** What every contender does with a record: it looks at its first and its last word. */
class Handler {
  records = 0
  sum = 0
  readonly #words: Int32Array

  constructor(bytes: Uint8Array) {
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2)
  }

  /** `offset` and `length` are multiples of 4. */
  take(offset: number, length: number): void {
    const words = this.#words
    this.sum = (this.sum + (words[offset >> 2] ?? 0) + (words[(offset + length - 4) >> 2] ?? 0)) | 0
    this.records++
  }

  /** Walks whole records, headers before them, from `from` to `to`; returns where the first incomplete one starts. */
  walk(from: number, to: number): number {
    const words = this.#words
    while (to - from >= HEADER) {
      const length = words[from >> 2] ?? 0
      if (to - from < HEADER + length) break
      this.take(from + HEADER, length)
      from += HEADER + length
    }
    return from
  }
}

/** Bytes of a sample, and how many times as fast as by read() it has to come. */
const SAMPLES: readonly [bytes: number, goal: number][] = [
  [16, 1.3],
  [64, 2],
  [256, 4],
]

/** Without a header each: as runs, and as what a driver's read() gives that knows one size. */
export function sampleCases(device: Device): Case[] {
  return SAMPLES.map(([bytes, atLeast]) => ({
    row: 'samples to JavaScript',
    parameters: { sampleBytes: bytes },
    unit: 'samples/s',
    contenders: [runs(device, bytes), rawRead(bytes)],
    goals: [{ peer: 'read() in batches', atLeast }],
  }))
}

/** Looks at the first and the last word of each sample, of `stride` words, in the same way for each contender. */
class SampleHandler {
  samples = 0
  sum = 0

  take(words: Int32Array, from: number, count: number, stride: number): void {
    let { sum } = this
    for (let at = from, end = from + count * stride; at < end; at += stride)
      sum = (sum + (words[at] as number) + (words[at + stride - 1] as number)) | 0
    this.sum = sum
    this.samples += count
  }
}

function runs(device: Device, payload: number): Contender {
  return {
    name: 'pendshare',
    async run() {
      const peerOptions = { payload, runs: true }
      await using share = await device.share({ bytes: RING_BYTES, peer: 'blast', peerOptions })
      const handler = new SampleHandler()
      const start = performance.now()
      for await (const batch of share.ring.samples(Int32Array)) {
        const { samples } = batch
        batch.forEachRun((from, count, stride) => handler.take(samples, from, count, stride))
        if (performance.now() - start >= RUN_MS) break
      }
      return rate(handler.samples, start)
    },
  }
}

function rawRead(bytes: number): Contender {
  return {
    name: 'read() in batches',
    async run() {
      const fd = openBench(bytes, false)
      const buffer = new Uint8Array(READ_BYTES)
      const words = new Int32Array(buffer.buffer)
      const handler = new SampleHandler()
      const start = performance.now()
      while (performance.now() - start < RUN_MS) {
        for (let i = 0; i < 16; i++)
          handler.take(words, 0, readSync(fd, buffer, 0, READ_BYTES, null) / bytes, bytes >> 2)
      }
      closeSync(fd)
      return rate(handler.samples, start)
    },
  }
}

function openBench(bytes: number, headers: boolean): number {
  writeFileSync(`${PARAMETERS}/record_bytes`, String(bytes))
  writeFileSync(`${PARAMETERS}/headers`, headers ? 'Y' : 'N')
  return openSync('/dev/pendshare-bench', 'r')
}

export function recordCases(device: Device, sender: string): Case[] {
  return SIZES.map((payload) => ({
    row: 'kernel to JavaScript',
    parameters: { recordBytes: payload },
    unit: 'records/s',
    contenders: [ring(device, payload), batchedRead(payload), singleRead(payload), socket(sender, payload)],
    goals: goals(payload),
  }))
}

function goals(payload: number): Goal[] {
  if (payload === 64) {
    return [
      { peer: 'read() in batches', atLeast: 2 },
      { peer: 'read() a record', atLeast: 20 },
      { peer: 'Unix socket', atLeast: 5 },
    ]
  }
  return payload === 65536 ? [{ peer: 'read() in batches', atLeast: 2 }] : []
}

function ring(device: Device, payload: number): Contender {
  return {
    name: 'pendshare',
    async run() {
      await using share = await device.share({ bytes: RING_BYTES, peer: 'blast', peerOptions: { payload } })
      const handler = new Handler(share.memory.subarray(RING_DATA))
      const take = (offset: number, length: number) => handler.take(offset, length)
      const start = performance.now()
      for await (const batch of share.ring.batches()) {
        batch.forEach(take)
        if (performance.now() - start >= RUN_MS) break
      }
      return rate(handler.records, start)
    },
  }
}

function batchedRead(payload: number): Contender {
  return { name: 'read() in batches', run: () => readFor(payload, READ_BYTES) }
}

function singleRead(payload: number): Contender {
  return { name: 'read() a record', run: () => readFor(payload, payload + HEADER) }
}

async function readFor(payload: number, bytes: number): Promise<number> {
  const fd = openBench(payload, true)
  const buffer = new Uint8Array(bytes)
  const handler = new Handler(buffer)
  const start = performance.now()
  while (performance.now() - start < RUN_MS) {
    for (let i = 0; i < 16; i++) handler.walk(0, readSync(fd, buffer, 0, bytes, null))
  }
  closeSync(fd)
  return rate(handler.records, start)
}

function socket(sender: string, payload: number): Contender {
  return {
    name: 'Unix socket',
    async run() {
      const path = join(tmpdir(), `pendshare-bench-${process.pid}`)
      const server = createServer().listen(path)
      await once(server, 'listening')
      const child = spawn(sender, [path, String(payload)], { stdio: 'inherit' })
      try {
        return await receive(server, payload)
      } finally {
        await stop(child, server, path)
      }
    },
  }
}

/** Reads into one large buffer of its own, without an allocation a chunk; what is left of a record moves to the front. */
async function receive(server: Server, payload: number): Promise<number> {
  const [socket] = (await once(server, 'connection')) as [Socket]
  const buffer = new Uint8Array(READ_BYTES + HEADER + payload)
  const handler = new Handler(buffer)
  let used = 0
  const start = performance.now()
  const { promise, resolve } = Promise.withResolvers<number>()
  socket.on('data', (chunk: Buffer) => {
    for (let from = 0; from < chunk.length; ) {
      const size = Math.min(chunk.length - from, buffer.length - used)
      buffer.set(chunk.subarray(from, from + size), used)
      from += size
      const rest = handler.walk(0, used + size)
      buffer.copyWithin(0, rest, used + size)
      used += size - rest
    }
    if (performance.now() - start >= RUN_MS) {
      resolve(rate(handler.records, start))
      socket.destroy()
    }
  })
  return promise
}

async function stop(child: ChildProcess, server: Server, path: string): Promise<void> {
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  server.close()
  rmSync(path, { force: true })
}

function rate(records: number, start: number): number {
  return (records / (performance.now() - start)) * 1000
}
