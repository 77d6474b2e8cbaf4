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
import { PendshareError } from '../errors.ts'
import { END, Iteration, type Source } from '../iteration.ts'
import { type Listening, listen } from '../listening.ts'
import {
  type ListenOptions,
  parse,
  type ReadableOptions,
  readableOptions,
  sampleConstructor,
  type WaitOptions,
  waitOptions,
} from '../schemas.ts'
import {
  type Batch,
  RingBatch,
  RingSampleBatch,
  type SampleArray,
  type SampleBatch,
  type SampleConstructor,
  samplesOver,
} from './batch.ts'
import {
  CONSUMER,
  corrupt,
  DROPPED,
  KNOWN,
  MISSED,
  PRODUCER,
  ringData,
  ringHeader,
  TAKEN,
  WAKE,
} from './layout.ts'
import { readable } from './readable.ts'
import { Span } from './span.ts'

/** How a reader learns that the producer has rung. */
export interface RingBell {
  /**
   * Calls `wake` after each ring, and when the producer ends, until what it returns is called, which `wake` may do; also for a ring since
   * the last call of `wake`, where rings come from another thread than the reader's. It may come at once, and without a ring.
   */
  listen(wake: () => void): () => void
  /** The producer will write no more. */
  readonly ended: boolean
  /** Why the memory is no longer this ring's, once it has another use: the reader then leaves it alone. */
  readonly lost?: PendshareError | undefined
  /** Tells others who wait for this bell that records lie in the ring: its reader has left, and no ring comes for those. */
  ring?(): void
}

export class RingReader {
  /** The whole data area; the offsets of records are indices into it. Always the same array. */
  readonly bytes: Uint8Array
  readonly #header: Int32Array
  readonly #span: Span
  readonly #bell: RingBell
  #dropped = 0
  #missed = 0
  #skipped = 0
  #busy = false

  /**
   * Reads on where the last consumer of this ring left off. `memory` holds a ring that was laid out.
   * Throws `ERR_PENDSHARE_RING_CORRUPT` when it does not.
   */
  constructor(memory: Uint8Array, bell: RingBell) {
    this.#header = ringHeader(memory)
    const { bytes, words } = ringData(memory, this.#header)
    this.bytes = bytes
    this.#span = new Span(
      bytes,
      words,
      {
        position: Atomics.load(this.#header, CONSUMER),
        first: Atomics.load(this.#header, TAKEN),
        known: Atomics.load(this.#header, KNOWN),
      },
      () => {
        if (bell.lost !== undefined) throw bell.lost
      },
    )
    this.#bell = bell
  }

  /** Lost: records that the producer had no room for, in all; `batch.dropped` says where. Exact as long as it is read once in 2^32 drops. */
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

  /** Skipped: records that `latest()` and `latestSamples()` of this reader have gone past. */
  get skipped(): number {
    return this.#skipped
  }

  /**
   * Batches as they come, until the producer has ended and everything was read. Each is valid within the loop's body; its space
   * goes back to the producer once the body is left, whatever way, or as much of it as `batch.take()` has taken.
   * No record costs a promise, an object or a copy.
   *
   * An aborted signal makes the step that waits, else the next one, reject with its reason, also when records are left. That is
   * the end of the iteration alone: the share goes on, and what was handed to nobody stays in the ring, for the next one.
   * `return()` ends it at once, also while a step waits. A ring that was left counts as asleep: the next record rings who
   * waits for the doorbell, and where records lie in it already, leaving does.
   *
   * Throws `ERR_PENDSHARE_INVALID_ARGUMENT`. A step rejects with the signal's reason, with `ERR_PENDSHARE_RING_CORRUPT`,
   * and with `ERR_PENDSHARE_RING_IN_USE` when the ring is being read already.
   */
  batches(options: WaitOptions = {}): AsyncGenerator<Batch, undefined, undefined> {
    const { signal } = parse(waitOptions, options, 'ring.batches()')
    return new Iteration(
      this.#source(() => new RingBatch(this.#span)),
      signal,
    )
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
    const { signal } = parse(waitOptions, options, 'ring.samples()')
    return new Iteration(this.#source(this.#samplesIn(array, 'ring.samples()')), signal)
  }

  /**
   * Calls `listener` in the wake-up that brings records, with a batch of them; a batch is valid until the call returns, which gives its
   * space back, or as much of it as `batch.take()` has taken. The last call comes before `share.ended` settles. A producer that never lets
   * the ring run empty is left to itself for a turn of the event loop each millisecond. Otherwise as `batches()`; see `Listening`.
   *
   * @throws PendshareError `ERR_PENDSHARE_INVALID_ARGUMENT`, `ERR_PENDSHARE_RING_IN_USE`
   */
  listen(listener: (batch: Batch) => void, options: ListenOptions = {}): Listening {
    const source = this.#source(() => new RingBatch(this.#span))
    return listen<Batch>('ring.listen()', source, listener, options)
  }

  /** `listen()` in the form of `samples()`. */
  listenSamples<T extends SampleArray>(
    array: SampleConstructor<T>,
    listener: (batch: SampleBatch<T>) => void,
    options: ListenOptions = {},
  ): Listening {
    const source = this.#source(this.#samplesIn(array, 'ring.listenSamples()'))
    return listen('ring.listenSamples()', source, listener, options)
  }

  /**
   * The newest record at each step, as a batch of one, as soon as there is one that no step had. The older ones go back to
   * the producer at once, before the loop's body runs, and count as `skipped`. Otherwise as `batches()`.
   */
  latest(options: WaitOptions = {}): AsyncGenerator<Batch, undefined, undefined> {
    const { signal } = parse(waitOptions, options, 'ring.latest()')
    return new Iteration(
      this.#source(() => new RingBatch(this.#span), true),
      signal,
    )
  }

  /** `latest()` in the form of `samples()`. */
  latestSamples<T extends SampleArray>(
    array: SampleConstructor<T>,
    options: WaitOptions = {},
  ): AsyncGenerator<SampleBatch<T>, undefined, undefined> {
    const { signal } = parse(waitOptions, options, 'ring.latestSamples()')
    return new Iteration(this.#source(this.#samplesIn(array, 'ring.latestSamples()'), true), signal)
  }

  /**
   * A stream with one chunk for each record: its payload, copied. Only what was read from it is taken from the ring: when it is
   * cancelled or errors, the next reader gets the record after the last chunk that was read. The stream closes when the producer has
   * ended and everything was read, and errors as a step of `batches()` rejects: for an aborted signal at once where a read waits,
   * else at the next read.
   *
   * Throws `ERR_PENDSHARE_INVALID_ARGUMENT`, and `ERR_PENDSHARE_RING_IN_USE` when the ring is being read already.
   */
  toReadable(options: ReadableOptions = {}): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { signal, highWaterMark } = parse(readableOptions, options, 'ring.toReadable()')
    this.#claim()
    const source = this.#source(() => this.#span)
    return readable(new Iteration(source, signal, true), signal, highWaterMark)
  }

  #samplesIn<T extends SampleArray>(array: SampleConstructor<T>, call: string): () => SampleBatch<T> {
    parse(sampleConstructor, array, call, ['array'])
    const samples = samplesOver(this.bytes, array)
    return () => new RingSampleBatch(samples, new RingBatch(this.#span))
  }

  #source<T>(show: () => T, newest = false): Source<T> {
    const bell = this.#bell
    return {
      get ended() {
        return bell.ended
      },
      enter: () => this.#claim(),
      look: () => {
        for (;;) {
          // Before the position: an end that is seen here is later than all that was published.
          const { ended } = this.#bell
          if (this.#poll(newest)) return { value: show(), done: false }
          if (ended) return END
          if (this.#sleeps()) return undefined
        }
      },
      listen: (wake) => this.#bell.listen(wake),
      pause: () => this.#giveBack(),
      leave: () => this.#leave(),
    }
  }

  /** Gives the last batch back; whether the next has come since. */
  #poll(newest: boolean): boolean {
    this.#span.check()
    this.#giveBack()
    const used = (Atomics.load(this.#header, PRODUCER) - this.#span.position) >>> 0
    if (used === 0) return false
    if (used > this.bytes.length || (used & 7) !== 0) throw corrupt('its producer claims what does not fit')
    this.#span.set(used)
    // Counted before the position that was just read was published: without a drop since the last gap there is none to look for.
    if (Atomics.load(this.#header, DROPPED) !== this.#span.known) this.#span.tellDrops(newest)
    if (newest) {
      this.#skipped += this.#span.skip()
      this.#store()
    }
    return this.#span.used > 0
  }

  #giveBack(): void {
    if (this.#span.used === 0) return
    this.#span.pass()
    if (this.#bell.lost === undefined) this.#store()
  }

  #store(): void {
    // For the next reader, before the position that it goes on from.
    this.#header[KNOWN] = this.#span.known
    this.#header[TAKEN] = this.#span.first
    Atomics.store(this.#header, CONSUMER, this.#span.position)
  }

  /** Asks to be rung at the next publish; `false`: something lies there already. */
  #sleeps(): boolean {
    Atomics.store(this.#header, WAKE, 1)
    // The producer publishes, then reads wake: whichever comes first, one of us sees the other.
    if (Atomics.load(this.#header, PRODUCER) === this.#span.position) return true
    Atomics.store(this.#header, WAKE, 0)
    return false
  }

  /** Makes the caller the one consumer, until it leaves. */
  #claim(): void {
    if (this.#busy) {
      throw new PendshareError(
        'ERR_PENDSHARE_RING_IN_USE',
        'the ring is being read already: it has one consumer at a time; end that loop, or cancel that stream, first',
      )
    }
    this.#busy = true
  }

  /**
   * From now on whoever waits for the bell is the one to wake: the next publish rings, and for what lies there already, for
   * which the producer may have found this reader awake, the bell is rung here.
   */
  #leave(): void {
    this.#busy = false
    this.#giveBack()
    const { ended, lost } = this.#bell
    if (ended || lost !== undefined) return
    Atomics.store(this.#header, WAKE, 1)
    if (Atomics.load(this.#header, PRODUCER) !== this.#span.position) this.#bell.ring?.()
  }
}
