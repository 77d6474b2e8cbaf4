/** The kernel's side of frames, and a user's own peer that speaks them. */
import { formatFrames, framesLength, open, PendshareError, type ShareRequest } from '@pendshare/core'
import { KERNEL_WAKE, TO_KERNEL, USER_WAKE } from '@pendshare/core/frames/layout'
import { describe, expect, test } from 'vitest'
import { type MockPeer, mock, type PeerFrames } from '../../src/index.ts'
import { KernelFrames } from '../../src/peers/frames.ts'
import { bench, idlePeer, NOTHING, request, share } from '../harness.ts'
import { Owner } from './owner.ts'

const PAGE = 4096
const CORRUPT = expect.objectContaining({ code: 'ERR_PENDSHARE_FRAMES_CORRUPT' })

function pair(playback: boolean, count = 3) {
  const length = framesLength(count, PAGE, PAGE)
  const memory = new Uint8Array(new SharedArrayBuffer(length))
  const told = { rings: 0, written: 0 }
  const frames = new KernelFrames(
    {
      memory,
      ring: () => void told.rings++,
      written(bytes) {
        told.written = Math.max(told.written, bytes)
      },
    },
    { count, bytes: PAGE, pageSize: PAGE, playback },
  )
  return { memory, told, frames, owner: new Owner(memory) }
}

describe('the kernel', () => {
  test('lays frames out as formatFrames() does', () => {
    const { memory } = pair(true)
    const same = new Uint8Array(new SharedArrayBuffer(memory.length))
    formatFrames(same, { count: 3, bytes: PAGE, pageSize: PAGE, playback: true })
    expect(Buffer.compare(memory, same)).toBe(0)
  })

  test('has the slots at first for capture, and gives them in any order', () => {
    const { frames, owner, told } = pair(false)
    const slots = [frames.take(), frames.take(), frames.take()].map((frame) => frame?.slot)
    expect([slots, frames.take(), frames.has]).toEqual([[0, 1, 2], undefined, 3])
    frames.give(1, { bytes: 10, flags: 0x10000, timestampNs: 0x1_0000_0002n })
    frames.overrun()
    frames.miss(3)
    frames.give(0, { bytes: 20 })
    frames.giveBack(2)
    expect(owner.take()).toEqual([])
    frames.publish()
    expect(owner.take()).toEqual([
      { slot: 1, bytes: 10, sequence: 0, timestampNs: 0x1_0000_0002n, flags: 0x10000 },
      { slot: 0, bytes: 20, sequence: 5, timestampNs: 0n, flags: 0 },
      { slot: 2, bytes: 0, sequence: 0, timestampNs: 0n, flags: 1 },
    ])
    expect([owner.overruns, owner.missed, frames.sequence, frames.has]).toEqual([1, 3, 6, 0])
    expect(told).toEqual({ rings: 1, written: PAGE + PAGE + 10 })
  })

  test('rings only who sleeps, and sleeps only when nothing came', () => {
    const { frames, owner, told } = pair(true)
    frames.publish()
    frames.publish()
    expect(told.rings).toBe(1)
    expect(owner.header[USER_WAKE]).toBe(0)
    expect(frames.sleep()).toBe(true)
    expect(owner.header[KERNEL_WAKE]).toBe(1)
    owner.give(0, 1, 0)
    expect(frames.sleep()).toBe(false)
    expect(frames.take()).toEqual({ slot: 0, bytes: 1, timestampNs: 0n, flags: 0, empty: false })
    expect(frames.sleep()).toBe(true)
  })

  test('believes nothing of its queue', () => {
    for (const spoil of [
      (owner: Owner) => void owner.give(3),
      (owner: Owner) => void owner.give(0xffff_ffff),
      (owner: Owner) => owner.claim(4),
      (owner: Owner) => owner.claim(-1),
      (owner: Owner) => [owner.give(1), owner.give(1)],
      (owner: Owner) => void owner.give(1, PAGE + 1, 0),
    ]) {
      const { frames, owner } = pair(true)
      spoil(owner)
      expect(() => frames.take()).toThrow(CORRUPT)
    }
  })

  test('nor an entry that changes after it was checked', () => {
    const { frames, owner, memory } = pair(true)
    for (const slot of [0, 1, 2]) owner.give(slot, 1, 0)
    expect(frames.take()?.slot).toBe(0)
    const entries = new Int32Array(memory.buffer, 512 + 4 * 32)
    entries[8] = 0 // which is taken already
    expect(() => frames.take()).toThrow(CORRUPT)
  })

  test('nor a slot that it has itself, however far its queue is', () => {
    const { frames, owner } = pair(false)
    expect(frames.take()?.slot).toBe(0)
    owner.give(0)
    for (const _ of [1, 2]) frames.take()
    expect(() => frames.take()).toThrow(CORRUPT)
  })

  test('gives no slot that it does not have', () => {
    const { frames } = pair(false)
    frames.take()
    for (const [slot, bytes] of [
      [1, 0],
      [0, PAGE + 1],
      [0, -1],
      [7, 0],
    ] as const)
      expect(() => frames.give(slot, { bytes })).toThrow(RangeError)
    frames.giveBack(0)
    expect(() => frames.giveBack(0)).toThrow(RangeError)
    expect(() => frames.memory(3)).toThrow(RangeError)
  })
})

/** A camera that takes a picture for each notification; what finds no slot is an overrun. */
function camera(): MockPeer {
  return {
    name: 'camera',
    access: 'readwrite',
    frames: true,
    attach(share) {
      const frames = share.frames({ playback: false })
      return {
        notify() {
          const slot = frames.take()?.slot
          if (slot === undefined) frames.overrun()
          else {
            frames.memory(slot).fill(frames.sequence + 1)
            frames.give(slot, { bytes: 100 })
          }
          frames.publish()
        },
      }
    },
  }
}

test("a program works with the frames of a peer of one's own", async () => {
  const driver = mock({ peers: [camera()], schedule: 'stepped' })
  const device = await open({ backend: driver })
  const lent = await driver.until(device.share({ peer: 'camera', frames: { count: 2, bytes: PAGE } }))
  const { frames } = lent
  const shoot = () => {
    lent.notify()
    driver.run()
    return frames.poll()
  }
  const [first, second, third] = [shoot(), shoot(), shoot()]
  expect([first?.sequence, second?.sequence, third]).toEqual([0, 1, undefined])
  expect([first?.bytes, first?.data[99], second?.data[0], frames.overruns]).toEqual([100, 1, 2, 1])
  second?.release()
  expect(shoot()).toMatchObject({ slot: 1, sequence: 3 })
  const ending = lent.release()
  expect((await driver.until(ending)).bytes).toBe(PAGE + PAGE + 100)
  await driver.until(device.close())
})

test('whatever comes in whatever order, a loopback gives back what it is given', async () => {
  for (let seed = 0; seed < 50; seed++) {
    const driver = mock({ schedule: 'stepped' })
    const device = await open({ backend: driver })
    const wanted = { peer: 'loopback', frames: { count: 1 + (seed % 3), bytes: PAGE } } as const
    const { frames } = await driver.until(device.share(wanted), seed)
    const send = async () => {
      for (let at = 0; at < 20; at++) {
        const frame = await frames.acquire()
        frame.data[0] = at
        frame.submit(1)
      }
    }
    const seen: number[] = []
    const receive = async () => {
      for await (using frame of frames) {
        seen.push(frame.data[0] as number)
        if (seen.length === 20) break
      }
    }
    await driver.until(Promise.all([send(), receive()]), seed)
    expect(seen, `seed ${seed}`).toEqual(Array.from({ length: 20 }, (_, at) => 255 - at))
    await driver.until(device.close(), seed)
  }
})

describe('shares are refused', () => {
  const invalid = { code: 'ERR_PENDSHARE_INVALID_ARGUMENT' }
  const plain = idlePeer('plain')
  const attempt = async (given: Partial<ShareRequest> & { pages?: number }) => {
    const one = await bench({ peers: [camera(), plain] })
    await expect(share(one, request(1, { pages: 8, ...given }))).rejects.toMatchObject(invalid)
    expect(one.driver.stats).toEqual(NOTHING)
  }
  const frames = { count: 2, bytes: PAGE }

  test('with frames for a peer that speaks none, and without for one that does', async () => {
    await attempt({ peer: 'plain', frames })
    await attempt({ peer: 'camera' })
    await attempt({ frames })
  })

  test('with frames that do not fit, or that the kernel may not read and write', async () => {
    for (const [count, bytes] of [
      [0, PAGE],
      [4097, PAGE],
      [8, PAGE],
      [1, 0],
      [1, PAGE / 2],
      [1, 2 ** 31],
    ] as const)
      await attempt({ peer: 'camera', frames: { count, bytes } })
    await attempt({ peer: 'camera', frames, access: 'read' })
    await attempt({ peer: 'camera', frames, access: 'write' })
  })

  test('when their peer lays frames out twice', async () => {
    let given: PeerFrames | undefined
    const twice: MockPeer = {
      name: 'twice',
      frames: true,
      attach(share) {
        given = share.frames({ playback: true })
        share.frames({ playback: true })
        return {}
      },
    }
    const one = await bench({ peers: [twice] })
    const wanted = request(1, { peer: 'twice', pages: 3, frames })
    await expect(share(one, wanted)).rejects.toMatchObject(invalid)
    // It was unmapped, and nothing touches it any more.
    expect(() => given?.publish()).toThrow('unmapped')
    expect(() => given?.take()).toThrow('unmapped')
    expect(Atomics.load(new Int32Array(wanted.memory.buffer), TO_KERNEL)).toBe(0)
  })

  test('and the errors are those of the library', async () => {
    const one = await bench()
    await expect(share(one, request(1, { frames }))).rejects.toBeInstanceOf(PendshareError)
  })
})
