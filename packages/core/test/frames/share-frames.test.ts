import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import {
  Frames,
  formatFrames,
  framesLength,
  type Share,
  type ShareOptions,
  type ShareRequest,
} from '../../src/index.ts'
import { shareOptionsCheck } from '../../src/schemas.ts'
import { INFO, openFake } from '../fake.ts'
import { TestBell } from '../ring/ring.ts'
import { BYTES, ENDED, INVALID, Kernel, settle } from './kernel.ts'

const FRAMES = { count: 4, bytes: BYTES }
const CAPTURE = { peer: 'capture', frames: FRAMES } as const

/** Lays frames out, as a driver does before it accepts. */
const layOut =
  (playback: boolean) =>
  ({ memory, frames }: ShareRequest) => {
    if (frames !== undefined) formatFrames(memory, { ...frames, pageSize: 4096, playback })
  }

async function capturing(options: Pick<ShareOptions, 'signal'> = {}) {
  const { backend, device } = await openFake({ answer: layOut(false) })
  const share = await device.share({ ...CAPTURE, ...options })
  const bell = new TestBell()
  bell.ring = () => backend.emit({ id: share.id, kind: 'doorbell', count: 1 })
  const kernel = new Kernel(share.memory, bell, 0)
  const send = () => {
    kernel.capture()
    kernel.publish()
  }
  return { backend, device, share, kernel, send }
}

async function read(frames: Frames, into: number[] = []): Promise<number[]> {
  for await (using frame of frames) into.push(frame.sequence)
  return into
}

describe('share.frames', () => {
  it('asks the backend for memory that is as long as the frames take', async () => {
    const { backend, share } = await capturing()
    assert.deepEqual(backend.requests[0]?.frames, FRAMES)
    assert.equal(share.memory.length, framesLength(4, BYTES, 4096))
    assert.ok(share.frames instanceof Frames)
    assert.equal(share.frames, share.frames)
  })

  it('hands out what the peer gives, and ends with the share', async () => {
    const { backend, share, send } = await capturing()
    const seen: number[] = []
    const reading = read(share.frames, seen)
    await settle()
    send()
    send()
    await settle()
    assert.deepEqual(seen, [0, 1])
    send()
    backend.ended(1, 'released')
    assert.deepEqual(await reading, [0, 1, 2])
    assert.throws(() => share.frames, { code: 'ERR_PENDSHARE_ENDED', message: /released/ })
  })

  it('hands out what is left when the signal of its share aborts', async () => {
    const controller = new AbortController()
    const { share, send } = await capturing({ signal: controller.signal })
    const reading = read(share.frames)
    await settle()
    send()
    controller.abort()
    assert.deepEqual(await reading, [0])
  })

  it('keeps what is left when the peer ended by itself, until the region is lent again', async () => {
    const { backend, device, share, send } = await capturing()
    send()
    send()
    backend.ended(1, 'peer-ended')
    const { frames } = share
    const frame = frames.poll()
    assert.equal(frame?.sequence, 0)
    await device.share(share.region)
    assert.throws(() => share.frames, ENDED)
    assert.throws(() => frames.poll(), ENDED)
    assert.throws(() => frame?.data, { code: 'ERR_PENDSHARE_ENDED', message: /lent again/ })
    frame?.release()
  })

  it('notifies a peer that sleeps, as long as the share is live', async () => {
    const { backend, share, kernel, send } = await capturing()
    send()
    send()
    const [first, second] = [share.frames.poll(), share.frames.poll()]
    kernel.sleep()
    first?.release()
    assert.equal(backend.calls.filter((call) => call === 'notify 1').length, 1)
    kernel.sleep()
    const ending = share.release()
    second?.release()
    assert.equal(backend.calls.filter((call) => call === 'notify 1').length, 1)
    await ending
  })

  it('is not there where none were asked for, or before the driver has accepted', async () => {
    const none = { code: 'ERR_PENDSHARE_NO_FRAMES' }
    const { device } = await openFake({ answer: layOut(false) })
    const share = await device.share({ bytes: 4096, peer: 'own' })
    assert.throws(() => share.frames, none)
    let early: Share | undefined
    const { device: slow } = await openFake({
      async answer(request) {
        layOut(false)(request)
        early = slow.shares()[0]
        assert.throws(() => early?.frames, none)
      },
    })
    await slow.share(CAPTURE)
    assert.ok(early?.frames)
  })
})

describe('what is asked for', () => {
  const check = shareOptionsCheck(INFO)
  const length = framesLength(4, BYTES, 4096)
  const refused: [options: object, message: RegExp, bytes?: number][] = [
    [{ ...CAPTURE, frames: { count: 0, bytes: BYTES } }, /frames.count/],
    [{ ...CAPTURE, frames: { count: 4097, bytes: BYTES } }, /frames.count/],
    [{ ...CAPTURE, frames: { count: 1.5, bytes: BYTES } }, /frames.count/],
    [{ ...CAPTURE, frames: { count: 4 } }, /frames.bytes/],
    [{ ...CAPTURE, frames: { count: 4, bytes: 0 } }, /frames.bytes/],
    [{ ...CAPTURE, frames: { count: 4, bytes: 2 ** 30 + 4096 } }, /frames.bytes/],
    [{ ...CAPTURE, frames: { count: 4, bytes: 1000 } }, /whole pages of 4096 bytes, not 1000/],
    [{ ...CAPTURE, frames: { ...FRAMES, size: 1 } }, /size/],
    [CAPTURE, /4 slots of 4096 bytes take 20480, not 20479/, length - 1],
    [{ ...CAPTURE, access: 'read' }, /access has to be 'readwrite'/],
    [{ ...CAPTURE, access: 'write' }, /access has to be 'readwrite'/],
    [{ peer: 'fill', frames: FRAMES }, /peer 'fill' speaks none/],
    [{ frames: FRAMES }, /there is none/],
    [{ peer: 'capture' }, /peer 'capture' speaks frames: give frames/],
    [{ peer: 'loopback' }, /peer 'loopback' speaks frames: give frames/],
    [{ ...CAPTURE, peer: 'loopback', peerOptions: { bytes: 16 } }, /bytes/],
    [{ ...CAPTURE, peerOptions: { bytes: 12 } }, /peerOptions.bytes/],
    [{ ...CAPTURE, peerOptions: { bytes: 18 } }, /peerOptions.bytes/],
    [{ ...CAPTURE, peerOptions: { bytes: BYTES + 4 } }, /peerOptions.bytes: expected at most/],
    [{ ...CAPTURE, peerOptions: { periodNs: 1 } }, /peerOptions.periodNs/],
    [{ ...CAPTURE, peerOptions: { count: -1 } }, /peerOptions.count/],
  ]
  for (const [options, message, bytes = length] of refused)
    it(`is refused: ${JSON.stringify(options)} in ${bytes} bytes`, () =>
      assert.throws(() => check(options, bytes), { ...INVALID, message }))

  it('is passed on as abi.h lays it out', () => {
    const peerOptions = { periodNs: 50_000, bytes: 16, count: 3, written: 32 }
    assert.deepEqual(
      check({ ...CAPTURE, peerOptions }, length).peerOptions,
      new Uint8Array(new BigUint64Array([50_000n, 16n, 3n, 32n]).buffer),
    )
    assert.deepEqual(check(CAPTURE, length).peerOptions, new Uint8Array(0))
    assert.deepEqual(check({ ...CAPTURE, peer: 'loopback' }, length).frames, FRAMES)
    assert.deepEqual(check({ ...CAPTURE, peer: 'own' }, length).frames, FRAMES)
  })

  it('is refused where neither bytes nor frames say how much', async () => {
    const { device } = await openFake()
    for (const wrong of [{ peer: 'capture' }, { frames: { count: 4 } }, { frames: null }, { frames: 7 }])
      await assert.rejects(device.share(wrong as never), INVALID)
  })
})
