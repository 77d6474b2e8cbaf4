/** Frames as Web streams: what is read is copied out of its frame, what is written is copied into as many as it takes. */
import { parse, regionView } from '../schemas.ts'
import type { Frame } from './frame.ts'

/** Copies one frame for each read that wants one, and releases it. */
export function readable(
  frames: AsyncGenerator<Frame, undefined, undefined>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value: frame } = await frames.next()
        if (done) return controller.close()
        const { data, bytes } = frame
        const copy = new Uint8Array(bytes)
        copy.set(bytes === data.length ? data : data.subarray(0, bytes))
        frame.release()
        controller.enqueue(copy)
      },
      async cancel() {
        await frames.return(undefined)
      },
    },
    { highWaterMark: 0 },
  )
}

/** Node's types lack it. */
type Abortable = WritableStreamDefaultController & { readonly signal: AbortSignal }

/** A write that waits for a slot is given up when the given signal aborts, and when the stream is aborted, which waits for that write. */
export function writable(
  acquire: (options: { signal: AbortSignal }) => Promise<Frame>,
  given: AbortSignal | undefined,
): WritableStream<Uint8Array> {
  return new WritableStream(
    {
      async write(written, controller) {
        const chunk = parse(regionView, written, 'frames.toWritable()', ['chunk'])
        const { signal, stop } = eitherOf((controller as Abortable).signal, given)
        try {
          for (let from = 0; from < chunk.length; ) {
            const frame = await acquire({ signal })
            const { data } = frame
            const bytes = Math.min(data.length, chunk.length - from)
            data.set(chunk.subarray(from, from + bytes))
            frame.submit(bytes)
            from += bytes
          }
        } finally {
          stop()
        }
      },
    },
    // With 0 a pipe would never find that it may write.
    { highWaterMark: 1 },
  )
}

/** By hand: a signal made by `AbortSignal.any()` may be collected before it aborts (Node.js 22.12). */
function eitherOf(...signals: readonly (AbortSignal | undefined)[]): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController()
  const forward = () => controller.abort(signals.find((each) => each?.aborted)?.reason)
  for (const each of signals) each?.addEventListener('abort', forward, { once: true })
  if (signals.some((each) => each?.aborted)) forward()
  return {
    signal: controller.signal,
    stop() {
      for (const each of signals) each?.removeEventListener('abort', forward)
    },
  }
}
