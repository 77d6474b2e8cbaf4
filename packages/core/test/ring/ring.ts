/** What the ring's tests share: a ring in memory, a bell that the test rings, and the producer's side of a reader. */
import assert from 'node:assert/strict'
import { PendshareError } from '../../src/errors.ts'
import { CONSUMER, formatRing, PRODUCER } from '../../src/ring/layout.ts'
import { type RingBell, RingReader } from '../../src/ring/reader.ts'
import { RingWriter } from '../../src/ring/writer.ts'

/** An empty ring in memory as a region has it; `start`: its first position. */
export function ring(capacity = 4096, start = 0): Uint8Array<SharedArrayBuffer> {
  const bytes = 4096 + capacity
  const memory = new Uint8Array(new SharedArrayBuffer(bytes, { maxByteLength: bytes }), 0, bytes)
  formatRing(memory)
  const header = words(memory)
  header[PRODUCER] = start
  header[CONSUMER] = start
  return memory
}

/** The header and the data as int32. */
export function words(memory: Uint8Array): Int32Array {
  return new Int32Array(memory.buffer, memory.byteOffset, memory.length / 4)
}

/** A bell that remembers nothing: a ring is heard by who waits, as with a doorbell of the reader's thread. */
export class TestBell implements RingBell {
  ended = false
  waits = 0
  rings = 0
  readonly #waiting = new Set<() => void>()

  listen(wake: () => void): () => void {
    this.waits++
    this.#waiting.add(wake)
    return () => this.#waiting.delete(wake)
  }

  ring(): void {
    this.rings++
    for (const wake of this.#waiting) wake()
  }

  end(): void {
    this.ended = true
    this.ring()
  }
}

/** A ring with both ends and its bell; `send` writes records of one byte each, publishes, and rings who sleeps. */
export function pair(capacity?: number, start?: number) {
  const memory = ring(capacity, start)
  const writer = new RingWriter(memory)
  const bell = new TestBell()
  const reader = new RingReader(memory, bell)
  const send = (...bytes: number[]): boolean => {
    for (const byte of bytes) assert(writer.write(Uint8Array.of(byte), byte))
    const asleep = writer.publish()
    if (asleep) bell.ring()
    return asleep
  }
  return { memory, header: words(memory), writer, bell, reader, send }
}

/** `corrupt`, when that is what the error says; rethrows any other. */
export function corruption(error: unknown): 'corrupt' {
  if (error instanceof PendshareError && error.code === 'ERR_PENDSHARE_RING_CORRUPT') return 'corrupt'
  throw error
}

export const CORRUPT = { code: 'ERR_PENDSHARE_RING_CORRUPT' }
export const IN_USE = { code: 'ERR_PENDSHARE_RING_IN_USE' }

/** The kinds of the records that arrive, until the producer has ended. */
export async function kinds(reader: RingReader, into: number[] = []): Promise<number[]> {
  for await (const batch of reader.batches()) {
    batch.forEach((_offset, _length, kind) => {
      into.push(kind)
    })
  }
  return into
}
