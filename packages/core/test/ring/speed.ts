/**
 * Prints what the ring costs per record in this process, reader and writer taking turns, as the best of many rounds: a
 * figure for the eye, not a test.
 */
import { formatRing } from '../../src/ring/layout.ts'
import { RingReader } from '../../src/ring/reader.ts'
import { RingWriter } from '../../src/ring/writer.ts'

const ROUNDS = 500

async function measure(payload: number): Promise<void> {
  const size = 4096 + (1 << 20)
  const ring = new Uint8Array(new SharedArrayBuffer(size, { maxByteLength: size }), 0, size)
  formatRing(ring)
  const writer = new RingWriter(ring)
  let written = 0
  let writing = Number.POSITIVE_INFINITY
  const fill = () => {
    written = 0
    const start = performance.now()
    for (; writer.room(payload); written++) writer.reserve(payload)
    writing = Math.min(writing, (performance.now() - start) / written)
    writer.publish()
  }
  let rounds = 0
  const bell = {
    // By the event loop, as doorbells are: a wake-up counts as its turn.
    listen: (wake: () => void) => {
      setImmediate(() => {
        fill()
        wake()
      })
      return () => {}
    },
    get ended() {
      return rounds === ROUNDS
    },
  }
  const reader = new RingReader(ring, bell)
  const words = new Int32Array(reader.bytes.buffer, reader.bytes.byteOffset, reader.bytes.length / 4)
  let walking = Number.POSITIVE_INFINITY
  let reading = Number.POSITIVE_INFINITY
  let sum = 0
  for await (const batch of reader.batches()) {
    const start = performance.now()
    batch.forEach((offset, length) => {
      sum = (sum + offset + length) | 0
    })
    const middle = performance.now()
    batch.forEach((offset) => {
      sum = (sum + (words[offset >> 2] ?? 0)) | 0
    })
    const end = performance.now()
    walking = Math.min(walking, (middle - start) / written)
    reading = Math.min(reading, (end - middle) / written)
    rounds++
  }
  const [walk, read, write] = [walking, reading, writing].map((each) => (each * 1e6).toFixed(2))
  console.log(
    `${payload} bytes: forEach ${walk} ns, with a word read ${read} ns, room + reserve ${write} ns a record (${sum % 10})`,
  )
}

for (const payload of [16, 64, 256, 4096]) await measure(payload)
