/**
 * A ring as a Web stream. The stream itself holds nothing (its own high-water mark is 0): a chunk is given to it when a read wants it,
 * and only then the record is taken from the ring. So what a cancelled stream has not passed on is still there for the next reader.
 */
import type { Span } from './span.ts'

/** A stream that goes on without end gives space back after so many bytes, and at an eighth of a smaller ring. */
const BACK_BYTES = 0x10000

type Chunk = Uint8Array<ArrayBuffer>

/** Takes one record. */
const one = () => false

/** `steps` has claimed the ring, and yields its span; `highWaterMark`: bytes that are copied ahead of the read that wants them. */
export function readable(
  steps: AsyncGenerator<Span, undefined, undefined>,
  signal: AbortSignal | undefined,
  highWaterMark: number,
): ReadableStream<Chunk> {
  /** Copies of the records that are the first in the span, oldest last. */
  let ahead: Chunk[] = []
  let span: Span | undefined
  let cancelled = false

  /** Copies what the span has next: one record at least, where it has any. */
  const copyAhead = (from: Span): void => {
    let bytes = 0
    const copies: Chunk[] = []
    from.peek((offset, length) => {
      copies.push(copyOf(from.bytes, offset, length))
      bytes += length
      return bytes < highWaterMark
    })
    ahead = copies.reverse()
  }

  /** Passes on what is at hand; `false`: the ring has to be looked at first. */
  const pass = (controller: ReadableStreamDefaultController<Chunk>): boolean => {
    if (span === undefined) return false
    span.check()
    if (ahead.length === 0) {
      if (span.taken >= Math.min(BACK_BYTES, span.bytes.length / 8)) return false
      copyAhead(span)
    }
    const chunk = ahead.pop()
    if (chunk === undefined) return false
    controller.enqueue(chunk)
    span.take(one, true)
    return true
  }

  const look = async (controller: ReadableStreamDefaultController<Chunk>): Promise<void> => {
    do {
      span = (await steps.next()).value
      if (span === undefined) return cancelled ? undefined : controller.close()
    } while (!pass(controller)) // nothing but padding
  }

  const fail = async (error: unknown): Promise<never> => {
    await steps.return(undefined)
    throw error
  }

  /** Without a promise of its own where the ring need not be looked at. */
  const pull = (controller: ReadableStreamDefaultController<Chunk>): Promise<void> | undefined => {
    try {
      signal?.throwIfAborted()
      return pass(controller) ? undefined : look(controller).catch(fail)
    } catch (error) {
      return fail(error)
    }
  }

  const cancel = async (): Promise<void> => {
    cancelled = true
    await steps.return(undefined)
  }
  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 })
}

/** Each chunk has its own buffer, so that one can be transferred without the others; never a shared one. */
function copyOf(bytes: Uint8Array, offset: number, length: number): Chunk {
  const copy = new Uint8Array(length)
  copy.set(bytes.subarray(offset, offset + length))
  return copy
}
