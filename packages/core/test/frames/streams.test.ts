import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { BYTES, CORRUPT, ENDED, IN_USE, INVALID, pair, settle } from './kernel.ts'

describe('frames.toReadable()', () => {
  it('copies one frame for each read, and gives it back at once', async () => {
    const { frames, kernel, bell } = pair('capture', { count: 2 })
    const reader = frames.toReadable().getReader()
    const chunks: number[][] = []
    for (let round = 0; round < 5; round++) {
      const reading = reader.read()
      kernel.capture()
      kernel.publish()
      chunks.push([...((await reading).value ?? [])])
      assert.equal(frames.held, 0)
    }
    assert.deepEqual(chunks, [[0], [1], [2], [3], [4]])
    kernel.capture()
    kernel.publish()
    bell.end()
    assert.deepEqual([...((await reader.read()).value ?? [])], [5])
    assert.equal((await reader.read()).done, true)
    await reader.closed
  })

  it('takes nothing ahead of the read that wants it', async () => {
    const { frames, kernel } = pair('capture')
    for (const _ of [1, 2]) kernel.capture()
    kernel.publish()
    const stream = frames.toReadable()
    await settle()
    const reader = stream.getReader()
    assert.deepEqual([...((await reader.read()).value ?? [])], [0])
    await reader.cancel()
    assert.equal(frames.poll()?.sequence, 1)
  })

  it('errors as a step rejects', async () => {
    const { frames, kernel } = pair('capture')
    const controller = new AbortController()
    const aborted = frames.toReadable({ signal: controller.signal }).getReader().read()
    await assert.rejects(frames.toReadable().getReader().read(), IN_USE)
    controller.abort(new Error('enough'))
    await assert.rejects(aborted, /enough/)
    kernel.give(9)
    kernel.publish()
    await assert.rejects(frames.toReadable().getReader().read(), CORRUPT)
  })

  it('is done when it is cancelled while a read waits', async () => {
    const { frames } = pair('capture')
    const reader = frames.toReadable().getReader()
    const reading = reader.read()
    await reader.cancel()
    assert.equal((await reading).done, true)
    assert.equal(frames.poll(), undefined)
  })
})

describe('frames.toWritable()', () => {
  it('submits what is written, in as many frames as it takes', async () => {
    const { frames, kernel } = pair('playback')
    const writer = frames.toWritable().getWriter()
    const bytes = Uint8Array.from({ length: 2 * BYTES + 10 }, (_, at) => at % 251)
    await writer.write(bytes)
    await writer.write(new Uint8Array(0))
    await writer.write(Uint8Array.of(1, 2, 3))
    const got: Uint8Array[] = []
    for (let given = kernel.take(); given; given = kernel.take())
      got.push((kernel.layout.slots[given.slot] as Uint8Array).slice(0, given.bytes))
    assert.deepEqual(
      got.map(({ length }) => length),
      [BYTES, BYTES, 10, 3],
    )
    assert.equal(Buffer.compare(Buffer.concat(got.slice(0, 3)), bytes), 0)
    await writer.close()
  })

  it('waits for slots, and goes on when they come back', async () => {
    const { frames, kernel } = pair('playback', { count: 2 })
    const writer = frames.toWritable().getWriter()
    let written = false
    const writing = writer.write(new Uint8Array(5 * BYTES)).then(() => {
      written = true
    })
    for (let turn = 0; turn < 2; turn++) {
      await settle()
      assert.equal(written, false)
      for (let given = kernel.take(); given; given = kernel.take()) kernel.giveBack(given.slot)
      kernel.publish()
    }
    await writing
  })

  it('takes what is piped into it', async () => {
    const { frames, kernel } = pair('playback')
    const source = new ReadableStream({
      start(controller) {
        for (const byte of [1, 2, 3]) controller.enqueue(Uint8Array.of(byte))
        controller.close()
      },
    })
    await source.pipeTo(frames.toWritable())
    assert.deepEqual(
      [kernel.take(), kernel.take(), kernel.take(), kernel.take()].map((given) => given?.bytes),
      [1, 1, 1, undefined],
    )
  })

  it('gives a write up that waits for a slot, when its signal aborts', async () => {
    const { frames } = pair('playback', { count: 1 })
    const controller = new AbortController()
    const writer = frames.toWritable({ signal: controller.signal }).getWriter()
    writer.closed.catch(() => {})
    await writer.write(Uint8Array.of(1))
    const writing = assert.rejects(writer.write(Uint8Array.of(2)), /enough/)
    await settle()
    controller.abort(new Error('enough'))
    await writing
    await assert.rejects(frames.toWritable({ signal: controller.signal }).getWriter().write(Uint8Array.of(2)))
  })

  it('is aborted at once, also while a write waits for a slot', async () => {
    const { frames } = pair('playback', { count: 1 })
    const writer = frames.toWritable().getWriter()
    writer.closed.catch(() => {})
    await writer.write(Uint8Array.of(1))
    const writing = assert.rejects(writer.write(Uint8Array.of(2)), /no more/)
    await settle()
    await writer.abort(new Error('no more'))
    await writing
  })

  it('refuses what is no Uint8Array, and takes no slot for it', async () => {
    const { frames, kernel } = pair('playback', { count: 1 })
    const writer = frames.toWritable().getWriter()
    writer.closed.catch(() => {})
    await assert.rejects(writer.write('text' as never), INVALID)
    frames.tryAcquire()?.submit(1)
    assert.equal(kernel.take()?.bytes, 1)
  })

  it('errors when the share ends', async () => {
    const { frames, bell } = pair('playback', { count: 1 })
    const writer = frames.toWritable().getWriter()
    writer.closed.catch(() => {})
    await writer.write(Uint8Array.of(1))
    const writing = assert.rejects(writer.write(Uint8Array.of(2)), ENDED)
    await settle()
    bell.end()
    await writing
  })
})
