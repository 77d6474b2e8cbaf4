/**
 * A native thread and JavaScript at the two ends of a ring, in the same memory at the same time: records that follow
 * from a seed, of every length, over rings of every size, with positions that wrap. Nothing may be lost, torn or
 * reordered, what is dropped must be counted, and no wake-up may get lost.
 */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { setImmediate } from 'node:timers/promises'
import type { Batch } from '../../../packages/core/src/ring/batch.ts'
import { formatRing, maxPayload } from '../../../packages/core/src/ring/layout.ts'
import { RingReader } from '../../../packages/core/src/ring/reader.ts'
import { RingWriter } from '../../../packages/core/src/ring/writer.ts'
import { Bell, type Done, inRounds, numbers, type Outcome, told } from '../shared/native.ts'
import { mix, StreamData } from '../shared/stream.ts'
import { fillSample, recordLength, SAMPLE, sampleAt, sampleStride } from './stream.ts'

interface Options {
  readonly seed: number
  readonly records: number
  /** First position: close to 2^32 it wraps soon. */
  readonly start: number
  /** The producer waits for room instead of dropping. */
  readonly lossless: boolean
}

interface Addon {
  produce(memory: Uint8Array, options: Options, ring: () => void, done: Done): void
  consume(memory: Uint8Array, options: Options, done: Done): () => void
}

const addon: Addon = createRequire(import.meta.url)('./build/ring.node')

/** Whether records are compared to the last byte and in order. */
class Check {
  received = 0
  missing = 0
  #next = 0
  #dropped = 0
  readonly #data: StreamData
  readonly #options: Options
  readonly #maxPayload: number
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array, options: Options) {
    this.#bytes = bytes
    this.#data = new StreamData(bytes, options.seed)
    this.#options = options
    this.#maxPayload = maxPayload(bytes.length)
  }

  /** From now on the records are those of this batch, before which so many were dropped. */
  batch({ dropped }: Batch): void {
    this.#dropped = dropped
  }

  /** A record, or a sample of a run. */
  item(offset: number, length: number, kind: number): void {
    const n = kind < SAMPLE ? kind : sampleAt(this.#bytes, offset, length)
    if (kind >= SAMPLE && n >>> 6 !== kind - SAMPLE)
      assert.fail(`sample ${n} is torn, or not of kind ${kind}`)
    const missing = n - this.#next
    if (missing !== this.#dropped)
      assert.fail(`${missing} are missing before record ${n}, ${this.#dropped} were told`)
    this.#dropped = 0
    if (n < this.#next) assert.fail(`record ${n} comes after ${this.#next - 1}`)
    const stride = sampleStride(this.#options.seed, n)
    const expected = stride || recordLength(this.#options.seed, n, this.#maxPayload)
    if (length !== expected) assert.fail(`record ${n} has ${length} bytes instead of ${expected}`)
    if (stride === 0 && !this.#data.holds(n, offset, length)) assert.fail(`record ${n} is torn`)
    this.missing += n - this.#next
    this.#next = n + 1
    this.received++
  }

  end(): void {
    this.missing += this.#options.records - this.#next
  }
}

type Read = (reader: RingReader, bell: Bell, check: Check) => Promise<void>

const readAll: Read = async (reader, _bell, check) => {
  for await (const batch of reader.batches()) {
    check.batch(batch)
    batch.forEach((offset, length, kind) => {
      check.item(offset, length, kind)
    })
  }
}

/** Takes some records, leaves, and waits for the bell: again and again, so that a ring which is lost hangs the test. */
const readAndLeave: Read = async (reader, bell, check) => {
  while (!bell.ended) {
    await bell.wait()
    for await (const batch of reader.batches()) {
      check.batch(batch)
      let left = 1 + (mix(check.received) % 100)
      batch.take((offset, length, kind) => {
        check.item(offset, length, kind)
        return --left > 0
      })
      break
    }
  }
  await readAll(reader, bell, check)
}

const nativeToJavaScript = (memory: Uint8Array, options: Options) => fromNative(memory, options, readAll)
const nativeToLeavingJavaScript = (memory: Uint8Array, options: Options) =>
  fromNative(memory, options, readAndLeave)

async function fromNative(memory: Uint8Array, options: Options, read: Read): Promise<Outcome> {
  const bell = new Bell()
  const { ended, done } = told(() => bell.end())
  addon.produce(memory, options, () => bell.ring(), done)
  const reader = new RingReader(memory, bell)
  const check = new Check(reader.bytes, options)
  await read(reader, bell, check)
  check.end()
  const outcome = await ended
  assert.equal(check.received, outcome.received)
  assert.equal(check.missing, reader.dropped)
  if (options.lossless) assert.equal(check.missing, 0)
  return { ...outcome, received: check.received, missing: check.missing }
}

async function javaScriptToNative(memory: Uint8Array, options: Options): Promise<Outcome> {
  let over = false
  const { ended, done } = told(() => {
    over = true
  })
  const notify = addon.consume(memory, options, done)
  const writer = new RingWriter(memory)
  const data = new StreamData(writer.bytes, options.seed)
  for (let n = 0; n < options.records && !over; n++) {
    const stride = sampleStride(options.seed, n)
    const length = stride || recordLength(options.seed, n, writer.maxPayload)
    const room = stride === 0 ? length : stride + 8
    // The reader ends with the last record, so that one is never dropped.
    while ((options.lossless || n === options.records - 1) && !over && !writer.room(room)) {
      if (writer.publish()) notify()
      await setImmediate()
    }
    const offset = stride === 0 ? writer.reserve(length, n) : writer.push(stride, SAMPLE + (n >>> 6))
    if (offset >= 0 && stride === 0) data.fill(n, offset, length)
    else if (offset >= 0) fillSample(writer.bytes, n, offset, stride)
    const ring = mix(n >>> 6) % 4 === 0 || n % 7 === 0 ? writer.publish() : writer.publishLazily()
    if (ring) notify()
    if (n % 8192 === 0) await setImmediate()
  }
  if (writer.publish()) notify()
  const outcome = await ended
  assert.equal(outcome.received + outcome.missing, options.records)
  assert.equal(outcome.missing, writer.dropped)
  if (options.lossless) assert.equal(outcome.missing, 0)
  return outcome
}

/** Sends `records` records one way, over rings whose size and start follow from the seed. */
async function fuzz(way: typeof javaScriptToNative, records: number, seed: number): Promise<void> {
  await inRounds(way.name, seed, async (random, n, rounds) => {
    const bytes = 4096 + (4096 << ((random >>> 8) % 9))
    const options = {
      seed: random,
      records: Math.ceil(records / rounds),
      start: n % 2 === 0 ? 0 : (0 - (random & 0xf_fff8)) >>> 0,
      lossless: n % 3 !== 0,
    }
    const memory = new Uint8Array(new SharedArrayBuffer(bytes, { maxByteLength: bytes }), 0, bytes)
    formatRing(memory)
    return await way(memory, options).catch((cause: unknown) => {
      throw new Error(`${way.name} in ${bytes} bytes with ${JSON.stringify(options)}`, { cause })
    })
  })
}

const { records, seed } = numbers()
for (const way of [nativeToJavaScript, nativeToLeavingJavaScript, javaScriptToNative])
  await fuzz(way, records, seed)
