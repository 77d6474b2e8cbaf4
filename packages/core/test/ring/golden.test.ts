/** The golden vectors of the ring. */
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { CONSUMER, formatRing, PRODUCER, RING_VERSION_RUNS, VERSION } from '../../src/ring/layout.ts'
import { RingReader } from '../../src/ring/reader.ts'
import { RingWriter } from '../../src/ring/writer.ts'
import { describeVectors } from '../golden.ts'
import { corruption } from './ring.ts'

class Player {
  #memory: Uint8Array = new Uint8Array()
  #words: Record<string, Uint32Array> = {}
  #writer: RingWriter | undefined

  /** The header's fields are set before either side looks: a reader and a writer go on where the last left off. */
  ring(capacity = 0, start = 0): void {
    const bytes = 4096 + capacity
    this.#memory = new Uint8Array(new SharedArrayBuffer(bytes, { maxByteLength: bytes }), 0, bytes)
    formatRing(this.#memory)
    const header = new Uint32Array(this.#memory.buffer, 0, 64)
    header[PRODUCER] = start
    header[CONSUMER] = start
    this.#words = { header, data: new Uint32Array(this.#memory.buffer, 4096) }
    this.#writer = new RingWriter(this.#memory)
  }

  runs(): void {
    this.words('header')[VERSION] = RING_VERSION_RUNS
    this.#writer = new RingWriter(this.#memory)
  }

  write(how: 'reserve' | 'push', length: number, kind: number, fill: number): string {
    const payload = Uint8Array.from({ length }, (_, at) => fill + at)
    const { bytes } = this.writer
    const offset = this.writer[how](length, kind)
    if (offset < 0) return 'full'
    bytes.set(payload, offset)
    bytes.fill(0, offset + length, (offset + length + 7) & -8)
    return String(offset)
  }

  async read(): Promise<string[]> {
    const records: string[] = []
    const reader = new RingReader(this.#memory, { ended: true, listen: () => () => {} })
    try {
      for await (const batch of reader.batches()) {
        batch.forEachRun((offset, count, stride, kind) => {
          records.push(`${offset}:${count === 1 ? '' : `${count}x`}${stride}:${kind}`)
        })
      }
    } catch (error) {
      records.push(corruption(error))
    }
    return records
  }

  /** Resolves when the reader waits for the bell. */
  async sleep(): Promise<void> {
    let asleep = false
    const listen = () => {
      asleep = true
      return () => {}
    }
    new RingReader(this.#memory, { ended: false, listen }).batches().next()
    assert(asleep)
  }

  /** A reader that enters, looks at what is there without taking any of it, and leaves. */
  async leave(): Promise<boolean> {
    let rung = false
    const ring = () => {
      rung = true
    }
    const bell = { ended: false, listen: () => () => {}, ring }
    const steps = new RingReader(this.#memory, bell).batches()
    const step = await Promise.race([steps.next(), setImmediate(undefined)])
    const unread = new Error('not read')
    const refuse = () => {
      throw unread
    }
    if (step?.value !== undefined) assert.throws(() => step.value?.take(refuse), unread)
    await steps.return(undefined)
    return rung
  }

  words(where: string): Uint32Array {
    return this.#words[where] ?? assert.fail(`no words of ${where}`)
  }

  get writer(): RingWriter {
    return this.#writer ?? assert.fail('no ring yet')
  }
}

async function play(player: Player, step: string, args: string[]): Promise<void> {
  const numbers = args.map(Number)
  const [first = 0, second = 0, third = 0] = numbers
  switch (step) {
    case 'ring':
      return player.ring(first, second)
    case 'write':
      return assert.equal(
        attempt(() => player.write('reserve', first, second, third)),
        args[3],
      )
    case 'push':
      return assert.equal(
        attempt(() => player.write('push', first, second, third)),
        args[3],
      )
    case 'runs':
      return player.runs()
    case 'lazily':
      return assert.equal(player.writer.publishLazily(), first === 1)
    case 'publish':
      return assert.equal(player.writer.publish(), first === 1)
    case 'miss':
      return player.writer.miss(first)
    case 'read':
      return assert.deepEqual(await player.read(), args)
    case 'sleep':
      return player.sleep()
    case 'leave':
      return assert.equal(await player.leave(), first === 1)
    case 'header':
    case 'data':
      return assert.deepEqual(
        [...player.words(step).subarray(first, first + args.length - 1)],
        numbers.slice(1),
      )
    case 'set':
      player.words(args[0] ?? '')[second] = third
      return
    default:
      assert.fail(`unknown step ${step}`)
  }
}

function attempt(action: () => string): string {
  try {
    return action()
  } catch (error) {
    return corruption(error)
  }
}

const player = new Player()
describeVectors('ring', (step, args) => play(player, step, args))
