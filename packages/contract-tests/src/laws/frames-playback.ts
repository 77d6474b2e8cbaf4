/** Frames that the program fills: a device that plays and captures gives back what it was given, inverted. */
import assert from 'node:assert/strict'
import type { Device, Frame, Frames, Share } from '@pendshare/core'
import type { Context } from '../context.ts'
import { room } from '../law.ts'
import { bounded, lendFrames, next } from './frame-steps.ts'
import { rejects } from './steps.ts'

interface Message {
  readonly bytes: Uint8Array
  readonly flags: number
}

const MESSAGES = 200

export const playback = room('frames', (law) => {
  law(
    'what JavaScript submits, a loopback gives back inverted: every byte, length and flag, in order',
    ['liveMemory', 'peer loopback'],
    async (context) => {
      const device = await context.open()
      const share = await loopback(context, device)
      assert.equal(share.frames.direction, 'playback')
      const sent = Array.from({ length: MESSAGES }, (_, at) => message(at, device.info.pageSize))
      const received = await context.within('the loopback', exchange(context, share.frames, sent))
      assertInverted(received, sent)
      assert.equal((await context.within('release()', share.release())).reason, 'released')
    },
  )

  law('many loopbacks at once keep their frames apart', ['liveMemory', 'peer loopback'], async (context) => {
    const device = await context.open()
    const shares = await Promise.all(Array.from({ length: 8 }, () => loopback(context, device)))
    const sent = shares.map((_, at) => Array.from({ length: 6 }, (_, each) => message(at * 100 + each, 1000)))
    const received = await Promise.all(
      shares.map((share, at) => exchange(context, share.frames, sent[at] ?? [])),
    )
    for (const [at, messages] of sent.entries()) assertInverted(received[at] ?? [], messages)
  })

  law(
    'acquire() waits while all slots are out, and wakes when one comes back',
    ['liveMemory', 'peer loopback'],
    async (context) => {
      const device = await context.open()
      const { frames } = await loopback(context, device, 3)
      const held = [
        await acquire(context, frames),
        await acquire(context, frames),
        await acquire(context, frames),
      ]
      assert.equal(new Set(held).size, 3, 'a slot came twice')
      assert.deepEqual([frames.tryAcquire(), frames.held], [undefined, 3])
      const pending = watch(frames.acquire())
      await turns()
      assert.equal(pending.got, undefined, 'a slot came that the program has')
      held[1]?.release()
      assert.equal(await context.within('the slot that was released', pending.promise), held[1])
      // Those with content are an iteration's, whose release gives them to who acquires.
      for (const frame of held) frame.submit(8)
      const played = watch(frames.acquire())
      const steps = frames.iterate()
      const first = await next(context, steps)
      await turns()
      assert.equal(played.got, undefined, 'a slot came that the program has')
      first.release()
      assert.equal(await context.within('the slot that was played', played.promise), first)
      for (const _ of [2, 3]) (await next(context, steps)).release()
      await steps.return(undefined)
    },
  )

  law(
    'bytes that are written to one stream of a loopback come out of the other inverted',
    ['liveMemory', 'peer loopback'],
    async (context) => {
      const device = await context.open()
      const share = await loopback(context, device, 3)
      const bytes = Uint8Array.from({ length: 10.5 * device.info.pageSize }, (_, at) => at * 7 + (at >> 8))
      const source = new Blob([bytes]).stream()
      const writing = source.pipeTo(share.frames.toWritable())
      const got: Uint8Array[] = []
      let length = 0
      for await (const chunk of share.frames.toReadable()) {
        got.push(chunk)
        length += chunk.length
        if (length >= bytes.length) break
      }
      await context.within('the pipe', writing)
      assert.equal(Buffer.compare(Buffer.concat(got), inverted(bytes)), 0, 'a byte differs')
    },
  )

  law(
    'a wait for a frame or a slot is given up by its signal, and nothing is lost by that',
    ['liveMemory', 'peer loopback'],
    async (context) => {
      const device = await context.open()
      const { frames } = await loopback(context, device, 2)
      const held = [await acquire(context, frames), await acquire(context, frames)]
      const waits = {
        'frames.acquire()': (signal: AbortSignal) => frames.acquire({ signal }),
        'frames.iterate()': (signal: AbortSignal) => frames.iterate({ signal }).next(),
        'frames.latest()': (signal: AbortSignal) => frames.latest({ signal }).next(),
        'frames.toReadable()': (signal: AbortSignal) => frames.toReadable({ signal }).getReader().read(),
        'frames.toWritable()': (signal: AbortSignal) =>
          frames.toWritable({ signal }).getWriter().write(Uint8Array.of(1)),
      }
      for (const [what, wait] of Object.entries(waits)) {
        const controller = new AbortController()
        const waiting = context.within<unknown>(what, wait(controller.signal))
        controller.abort(new Error('enough'))
        await assert.rejects(waiting, /enough/, what)
      }
      const steps = frames.iterate()
      const waiting = steps.next()
      const left = await context.within('leaving', Promise.all([waiting, steps.return(undefined)]))
      assert.ok(left.every(({ done }) => done))
      for (const frame of held) frame.release()
      assertInverted(await exchange(context, frames, [message(3, 100)]), [message(3, 100)])
    },
  )

  law(
    'a share that is aborted by its signal ends its iterations, and who acquires is told: ERR_PENDSHARE_ENDED',
    ['liveMemory', 'peer loopback'],
    async (context) => {
      const device = await context.open()
      const controller = new AbortController()
      const { signal } = controller
      const share = await lendFrames(context, device, { peer: 'loopback', count: 1, signal })
      const { frames } = share
      const held = await acquire(context, frames)
      const waiting = frames.iterate().next()
      const acquiring = rejects(context, 'acquire()', 'ERR_PENDSHARE_ENDED', () => frames.acquire())
      controller.abort(new Error('enough'))
      assert.equal((await context.within('the iteration', waiting)).done, true)
      await acquiring
      assert.equal((await context.within('the end', share.ended)).reason, 'cancelled')
      await rejects(context, 'tryAcquire()', 'ERR_PENDSHARE_ENDED', () => frames.tryAcquire())
      held.submit(1)
    },
  )
})

function loopback(context: Context, device: Device, count = 4): Promise<Share> {
  return lendFrames(context, device, { peer: 'loopback', count })
}

function acquire(context: Context, frames: Frames): Promise<Frame> {
  return context.within('a slot', frames.acquire())
}

/** A frame that no other has: its length, flags and bytes follow from `at`. */
function message(at: number, longest: number): Message {
  const bytes = new Uint8Array((at * 37 + at * at) % (longest + 1))
  for (let index = 0; index < bytes.length; index++) bytes[index] = at + index * 7
  return { bytes, flags: ((at * 0x10101) << 16) >>> 0 }
}

/** Sends all through a loopback, and resolves with what has come back. */
async function exchange(context: Context, frames: Frames, messages: readonly Message[]): Promise<Message[]> {
  const send = async () => {
    for (const { bytes, flags } of messages) {
      const frame = await acquire(context, frames)
      frame.data.set(bytes)
      frame.submit(bytes.length, { flags })
    }
  }
  const sending = send()
  const received: Message[] = []
  const first = new Set<number>()
  for await (using frame of bounded(context, frames)) {
    first.add(frame.sequence - received.length)
    received.push({ bytes: frame.data.slice(0, frame.bytes), flags: frame.flags })
    if (received.length === messages.length) break
  }
  await sending
  assert.equal(first.size, 1, 'the numbers of the frames have a gap')
  return received
}

function inverted(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => ~byte)
}

function assertInverted(received: readonly Message[], sent: readonly Message[]): void {
  assert.equal(received.length, sent.length)
  for (const [at, { bytes, flags }] of sent.entries()) {
    const { bytes: got, flags: gotFlags } = received[at] ?? { bytes: new Uint8Array(), flags: 0 }
    assert.deepEqual([got.length, gotFlags], [bytes.length, flags], `length and flags of frame ${at}`)
    assert.equal(Buffer.compare(got, inverted(bytes)), 0, `frame ${at} of ${bytes.length} bytes differs`)
  }
}

function watch<T>(promise: Promise<T>): { readonly promise: Promise<T>; got: T | undefined } {
  const watched = { promise, got: undefined as T | undefined }
  promise.then(
    (value) => {
      watched.got = value
    },
    () => {},
  )
  return watched
}

/** Turns in which what comes too early would come. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}
