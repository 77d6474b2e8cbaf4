/** Plays the golden vectors on the TypeScript side, and has the C side play the same file where there is a compiler. */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, it } from 'vitest'
import { CONSUMER, formatRing, PRODUCER } from '../../src/ring/layout.ts'
import { RingReader } from '../../src/ring/reader.ts'
import { RingWriter } from '../../src/ring/writer.ts'
import { corruption } from './ring.ts'

const native = fileURLToPath(new URL('../../../../testbed/native/ring/', import.meta.url))
const vectors = `${native}golden/vectors.txt`

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

  write(length: number, kind: number, fill: number): string {
    const payload = Uint8Array.from({ length }, (_, at) => fill + at)
    const { bytes } = this.writer
    const offset = this.writer.reserve(length, kind)
    if (offset < 0) return 'full'
    bytes.set(payload, offset)
    bytes.fill(0, offset + length, offset + ((length + 7) & -8))
    return String(offset)
  }

  async read(): Promise<string[]> {
    const records: string[] = []
    const reader = new RingReader(this.#memory, { ended: true, listen: () => () => {} })
    try {
      for await (const batch of reader.batches()) {
        batch.forEach((offset, length, kind) => {
          records.push(`${offset}:${length}:${kind}`)
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
        attempt(() => player.write(first, second, third)),
        args[3],
      )
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

describe('the golden vectors', () => {
  const player = new Player()
  let title = ''
  let steps: [line: number, words: string[]][] = []
  const group = () => {
    const [what, played] = [title, steps]
    if (played.length === 0) return
    it(what, async () => {
      for (const [line, [step = '', ...args]] of played) {
        await play(player, step, args).catch((error: Error) => {
          throw new Error(`vectors.txt:${line}: ${error.message}`, { cause: error })
        })
      }
    })
    steps = []
  }
  for (const [index, line] of readFileSync(vectors, 'utf8').split('\n').entries()) {
    if (line.startsWith('#')) {
      group()
      title = line.slice(2)
    } else if (line !== '') steps.push([index + 1, line.split(' ')])
  }
  group()
})

const compiler = spawnSync('cc', ['--version']).status === 0 && spawnSync('make', ['--version']).status === 0

describe.skipIf(!compiler)('the golden vectors in C', () => {
  it('agree with ring.h', { timeout: 60_000 }, async () => {
    await promisify(execFile)('make', ['-s', 'golden'], { cwd: native })
    const { stdout } = await promisify(execFile)(`${native}build/golden`, [vectors])
    assert.match(stdout, /^golden: \d+ steps agree$/m)
  })
})
