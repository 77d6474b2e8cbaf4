/**
 * The consumer's side of a ring: hands out whole batches of records where they lie, and gives their space back to the
 * producer once a batch. One consumer a ring at a time.
 *
 * What the producer wrote is not believed: its position is read once a batch, each record's header once a walk, both
 * bounded before use. `Atomics` accesses are sequentially consistent among each other: the load of the producer's
 * position is at least C's load-acquire, so that the records before it are seen whole; the store of the consumer's
 * position is at least a store-release, so that the producer overwrites nothing that is still being read; and the
 * store of wake followed by another load of the position is not reordered, which is the full barrier of the protocol.
 */
import { setImmediate } from 'node:timers/promises'
import { PendshareError } from '../errors.ts'
import { parse, sampleConstructor, type WaitOptions, waitOptions } from '../schemas.ts'
import {
  type Batch,
  RingBatch,
  RingSampleBatch,
  type SampleArray,
  type SampleBatch,
  type SampleConstructor,
} from './batch.ts'
import { CONSUMER, corrupt, DROPPED, MISSED, PRODUCER, ringData, ringHeader, WAKE } from './layout.ts'

/** How a reader learns that the producer has rung. */
export interface RingBell {
  /**
   * Resolves after a ring, and at once when the producer has ended. Rejects with the signal's reason when aborted. It may
   * resolve without a ring. A bell that is rung within the reader's thread, by its event loop, needs no memory; one
   * that another thread rings must also resolve for a ring since its last `wait()` resolved.
   */
  wait(signal: AbortSignal | undefined): Promise<void>
  /** The producer will write no more. */
  readonly ended: boolean
  /** Why the memory is no longer this ring's, once it has another use: the reader then leaves it alone. */
  readonly lost?: PendshareError | undefined
}

/** A consumer that never runs dry gives the event loop a turn after so many milliseconds. */
const TURN_MS = 1
/** Bytes that `toReadable()` copies at a time and holds ready. */
const STREAM_BYTES = 0x10000

const END: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true })

export class RingReader {
  /** The whole data area; the offsets of records are indices into it. Always the same array. */
  readonly bytes: Uint8Array
  readonly #header: Int32Array
  readonly #batch: RingBatch
  readonly #bell: RingBell
  #position: number
  #dropped = 0
  #missed = 0
  #busy = false

  /**
   * Reads on where the last consumer of this ring left off. `memory` holds a ring that was laid out.
   * Throws `ERR_PENDSHARE_RING_CORRUPT` when it does not.
   */
  constructor(memory: Uint8Array, bell: RingBell) {
    this.#header = ringHeader(memory)
    const { bytes, words } = ringData(memory, this.#header)
    this.bytes = bytes
    this.#batch = new RingBatch(bytes, words)
    this.#bell = bell
    this.#position = Atomics.load(this.#header, CONSUMER)
  }

  /** Lost: records that the producer had no room for. Exact as long as it is read once in 2^32 drops. */
  get dropped(): number {
    this.#dropped += (Atomics.load(this.#header, DROPPED) - this.#dropped) >>> 0
    return this.#dropped
  }

  /**
   * Late: ticks that the producer's timer missed, so that no record was attempted; 0 where no timer makes the records.
   * Exact as long as it is read once in 2^32 of them. Whoever sees a record sees in both counts all that came before it.
   */
  get missed(): number {
    this.#missed += (Atomics.load(this.#header, MISSED) - this.#missed) >>> 0
    return this.#missed
  }

  /**
   * Batches as they come, until the producer has ended and everything was read. Each step yields the same object, valid
   * within the loop's body; its space goes back to the producer once the body is left, whatever way. No record costs a
   * promise, an object or a copy.
   *
   * An aborted signal makes the step that waits, else the next one, reject with its reason, also when records are left. That is
   * the end of the iteration alone: the share goes on, and what was handed to nobody stays in the ring, for the next one.
   *
   * Throws `ERR_PENDSHARE_INVALID_ARGUMENT`. A step rejects with the signal's reason, with `ERR_PENDSHARE_RING_CORRUPT`,
   * and with `ERR_PENDSHARE_RING_IN_USE` when the ring is being read already.
   */
  batches(options: WaitOptions = {}): AsyncGenerator<Batch, undefined, undefined> {
    const { signal } = parse(waitOptions, options, 'ring.batches()')
    return this.#steps<Batch>(this.#batch, signal)
  }

  /**
   * Batches whose payloads are elements of one typed array over the whole data area, `Float64Array` for instance. The
   * samples of one record are contiguous; between two records lies a header, so there is no view over several.
   * Otherwise as `batches()`.
   */
  samples<T extends SampleArray>(
    array: SampleConstructor<T>,
    options: WaitOptions = {},
  ): AsyncGenerator<SampleBatch<T>, undefined, undefined> {
    parse(sampleConstructor, array, 'ring.samples()', ['array'])
    const { signal } = parse(waitOptions, options, 'ring.samples()')
    return this.#steps<SampleBatch<T>>(new RingSampleBatch(array, this.#batch), signal)
  }

  /**
   * A stream with one chunk for each record: its payload, copied. What the stream has no demand for stays in the ring.
   * The stream closes when the producer has ended and everything was read, and errors as a step of `batches()` rejects:
   * for an aborted signal at once where it waits, else when it next wants records. It then drops the chunks that nobody has read.
   *
   * Throws `ERR_PENDSHARE_INVALID_ARGUMENT`, and `ERR_PENDSHARE_RING_IN_USE` when the ring is being read already.
   */
  toReadable(options: WaitOptions = {}): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { signal } = parse(waitOptions, options, 'ring.toReadable()')
    const cancelled = new AbortController()
    const given = signal === undefined ? cancelled.signal : AbortSignal.any([signal, cancelled.signal])
    const steps = this.#steps(this.#batch, given, this.#claim())
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) => {
      try {
        // A pull that enqueues nothing is not asked again, and a batch may hold nothing but padding.
        for (let chunks = 0; chunks === 0; this.#giveBack()) {
          const { value: batch } = await steps.next()
          given.throwIfAborted()
          if (batch === undefined) return controller.close()
          batch.cut(STREAM_BYTES)
          batch.forEach((offset, length) => {
            controller.enqueue(copyOf(this.bytes, offset, length))
            chunks++
          })
        }
      } catch (error) {
        await steps.return(undefined)
        throw error
      }
    }
    const cancel = async (reason: unknown) => {
      cancelled.abort(reason)
      await steps.return(undefined)
    }
    const size = (chunk: Uint8Array<ArrayBuffer>) => chunk.length
    return new ReadableStream({ pull, cancel }, { highWaterMark: STREAM_BYTES, size })
  }

  /**
   * An async iteration over `seen`, always the same object, which shows another batch after each step; `release` ends a
   * claim that was made for it. By hand, because from the bell to the loop's body an async generator takes four turns of
   * the microtask queue, and this takes two.
   */
  #steps<T>(
    seen: T,
    signal: AbortSignal | undefined,
    release?: () => void,
  ): AsyncGenerator<T, undefined, undefined> {
    let over = false
    let waiting = 0
    let last: Promise<IteratorResult<T, undefined>> = Promise.resolve(END)
    let turn = performance.now()
    const finish = () => {
      over = true
      release?.()
      return END
    }
    const step = async (): Promise<IteratorResult<T, undefined>> => {
      try {
        if (over) return END
        release ??= this.#claim()
        // Doorbells, signals and the end of the share reach us only through the event loop.
        if (performance.now() - turn >= TURN_MS) {
          // First, for the producer may go on in that turn.
          this.#giveBack()
          await setImmediate()
          turn = performance.now()
        }
        // It can have been left during any wait, and the ring be another's by now.
        while (!over) {
          signal?.throwIfAborted()
          // Before the position: an end that is seen here is later than all that was published.
          const { ended } = this.#bell
          if (this.#poll()) return { value: seen, done: false }
          if (ended) break
          if (this.#sleeps()) await this.#bell.wait(signal)
        }
        return finish()
      } catch (error) {
        finish()
        throw error
      } finally {
        waiting--
      }
    }
    return {
      // Steps that overlap take turns, as a generator's do.
      next: () => {
        last = waiting++ === 0 ? step() : last.then(step, step)
        return last
      },
      return: async () => finish(),
      throw: async (error) => {
        finish()
        throw error
      },
      [Symbol.asyncIterator]() {
        return this
      },
      async [Symbol.asyncDispose]() {
        finish()
      },
    }
  }

  /** Gives the last batch back; whether the next has come since. */
  #poll(): boolean {
    const { lost } = this.#bell
    if (lost !== undefined) throw lost
    this.#giveBack()
    const used = (Atomics.load(this.#header, PRODUCER) - this.#position) >>> 0
    if (used === 0) return false
    if (used > this.bytes.length || (used & 7) !== 0) throw corrupt('its producer claims what does not fit')
    this.#batch.set(this.#position, used)
    return true
  }

  #giveBack(): void {
    if (this.#batch.used === 0) return
    this.#position = (this.#position + this.#batch.used) | 0
    this.#batch.set(this.#position, 0)
    if (this.#bell.lost === undefined) Atomics.store(this.#header, CONSUMER, this.#position)
  }

  /** Asks to be rung at the next publish; `false`: something has come meanwhile. */
  #sleeps(): boolean {
    Atomics.store(this.#header, WAKE, 1)
    // The producer publishes, then reads wake: whichever comes first, one of us sees the other.
    if (Atomics.load(this.#header, PRODUCER) === this.#position) return true
    Atomics.store(this.#header, WAKE, 0)
    return false
  }

  /** Makes the caller the one consumer, until it calls what this returns. */
  #claim(): () => void {
    if (this.#busy) {
      throw new PendshareError(
        'ERR_PENDSHARE_RING_IN_USE',
        'the ring is being read already: it has one consumer at a time; end that loop, or cancel that stream, first',
      )
    }
    this.#busy = true
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#busy = false
      this.#giveBack()
    }
  }
}

/** Each chunk has its own buffer, so that one can be transferred without the others; never a shared one. */
function copyOf(bytes: Uint8Array, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(length)
  copy.set(bytes.subarray(offset, offset + length))
  return copy
}
