import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'vitest'
import {
  formatRing,
  Region,
  RingReader,
  RingWriter,
  ringMemory,
  type Share,
  type ShareOptions,
  type ShareRequest,
} from '../src/index.ts'
import { openFake } from './fake.ts'

const CLOCK = { peer: 'clock', peerOptions: { periodNs: 100_000 } } as const

/** Lays the rings out, as a driver does before it accepts. */
const layOut =
  (count: 1 | 2) =>
  ({ memory }: ShareRequest) => {
    formatRing(ringMemory(memory, 0, count))
    if (count === 2) formatRing(ringMemory(memory, 1, 2))
  }

/** The peer's side of ring 0: one byte a record, and a ring when the reader sleeps. */
function peerOf(memory: Uint8Array, ring: () => void, count: 1 | 2 = 1) {
  const writer = new RingWriter(ringMemory(memory, 0, count))
  return (...bytes: number[]) => {
    for (const byte of bytes) assert(writer.write(new Uint8Array([byte])))
    if (writer.publish()) ring()
  }
}

async function clock(options: Pick<ShareOptions, 'signal'> = {}) {
  const { backend, device } = await openFake({ answer: layOut(1) })
  const share = await device.share({ bytes: 8192, ...CLOCK, ...options })
  const send = peerOf(share.memory, () => backend.emit({ id: share.id, kind: 'doorbell', count: 1 }))
  return { backend, device, share, send }
}

/** The first byte of every record that comes until the reader ends. */
async function read(reader: RingReader, into: number[] = []): Promise<number[]> {
  for await (const batch of reader.batches()) {
    batch.forEach((offset) => {
      into.push(batch.bytes[offset] ?? -1)
    })
  }
  return into
}

describe('share.ring', () => {
  it('reads what the peer sends, and ends with the share', async () => {
    const { backend, share, send } = await clock()
    const seen: number[] = []
    const reading = read(share.ring, seen)
    await setImmediate()
    send(1, 2)
    await setImmediate()
    send(3)
    await setImmediate()
    assert.deepEqual(seen, [1, 2, 3])
    send(4)
    backend.ended(1, 'released')
    assert.deepEqual(await reading, [1, 2, 3, 4])
  })

  it('hands out what is left, and throws nothing, when the signal of its share aborts', async () => {
    const controller = new AbortController()
    const { share, send } = await clock({ signal: controller.signal })
    const seen: number[] = []
    const reading = read(share.ring, seen)
    await setImmediate()
    send(1)
    controller.abort()
    assert.deepEqual(await reading, [1])
    assert.equal((await share.ended).reason, 'cancelled')
  })

  it('is the same reader each time', async () => {
    const { share } = await clock()
    assert.equal(share.ring, share.ring)
    assert(share.ring instanceof RingReader)
  })

  it('is refused once the owner has ended the share, naming the reason', async () => {
    const { share } = await clock()
    await share.release()
    assert.throws(() => share.ring, { code: 'ERR_PENDSHARE_ENDED', message: /released/ })
  })

  it('keeps what is left when the peer ended by itself, until the region is lent again', async () => {
    const { backend, device, share, send } = await clock()
    send(7)
    backend.ended(1, 'peer-ended')
    assert.deepEqual(await read(share.ring), [7])
    const reader = share.ring
    await device.share(share.region)
    assert.throws(() => share.ring, { code: 'ERR_PENDSHARE_ENDED', message: /peer-ended/ })
    await assert.rejects(read(reader), { code: 'ERR_PENDSHARE_ENDED', message: /lent again/ })
  })

  it('a reader that is left over does not touch the memory of the next share', async () => {
    const { device, share, send } = await clock()
    send(1)
    const batches = share.ring.batches()
    await batches.next()
    await share.release()
    const next = await device.share(share.region, CLOCK)
    const sendNext = peerOf(next.memory, () => {})
    sendNext(2)
    await assert.rejects(batches.next(), { code: 'ERR_PENDSHARE_ENDED' })
    assert.equal((await next.ring.batches().next()).value?.records, 1)
  })
})

describe('a device that closes, and a share that ends, while its ring', () => {
  const WAYS = {
    'is iterated': (share: Share) => share.ring.batches(),
    'is iterated as samples': (share: Share) => share.ring.samples(Uint8Array),
    'is iterated for the latest': (share: Share) => share.ring.latest(),
    'is streamed': (share: Share) => share.ring.toReadable().values(),
    'has its doorbell iterated': (share: Share) => share.doorbell.rings(),
  }
  for (const [what, iterate] of Object.entries(WAYS)) {
    it(`${what}: waiting, it is done`, async () => {
      const { device, share } = await clock()
      const waiting = iterate(share).next()
      await device.close()
      assert.equal((await waiting).done, true)
    })

    it(`${what}: with something there, that comes first`, async () => {
      const { device, share, send } = await clock()
      const steps = iterate(share)
      send(1)
      await device.close()
      assert.equal((await steps.next()).done, false)
      assert.equal((await steps.next()).done, true)
      await steps.return?.(undefined)
    })

    it(`${what}: left afterwards, the memory of the next share is let alone`, async () => {
      const { device, share, send } = await clock()
      const steps = iterate(share)
      send(1, 2)
      await steps.next()
      await share.release()
      const next = await device.share(share.region, CLOCK)
      const before = next.memory.slice(0, 256)
      await steps.return?.(undefined)
      assert.deepEqual(next.memory.slice(0, 256), before)
    })
  }

  it('is looked at in a batch: that throws once its region is lent again', async () => {
    const { device, share, send } = await clock()
    send(1, 2)
    for await (const batch of share.ring.batches()) {
      await share.release()
      assert.equal(batch.records, 2)
      await device.share(share.region, CLOCK)
      const code = { code: 'ERR_PENDSHARE_ENDED', message: /lent again/ }
      assert.throws(() => batch.forEach(() => {}), code)
      assert.throws(() => batch.take(() => {}), code)
      break
    }
  })

  for (const highWaterMark of [0, 100]) {
    it(`is streamed, ${highWaterMark} bytes ahead: errors once its region is lent again, and shows nothing of the next share`, async () => {
      const { device, share, send } = await clock()
      const stream = share.ring.toReadable({ highWaterMark }).getReader()
      send(1, 2, 3)
      assert.deepEqual((await stream.read()).value, Uint8Array.of(1))
      await share.release()
      assert.deepEqual((await stream.read()).value, Uint8Array.of(2))
      const next = await device.share(share.region, CLOCK)
      peerOf(next.memory, () => {})(7, 8, 9)
      const before = next.memory.slice()
      await assert.rejects(stream.read(), { code: 'ERR_PENDSHARE_ENDED', message: /lent again/ })
      assert.deepEqual(next.memory, before)
    })
  }

  it('has one consumer: two in each pair of ways', async () => {
    const { share, send } = await clock()
    for (const [one, iterate] of Object.entries(WAYS)) {
      if (one.includes('doorbell')) continue
      send(1)
      const steps = iterate(share)
      await steps.next()
      for (const [two, other] of Object.entries(WAYS)) {
        if (two.includes('doorbell')) continue
        await assert.rejects(async () => other(share).next(), { code: 'ERR_PENDSHARE_RING_IN_USE' })
      }
      await steps.return?.(undefined)
    }
  })

  it('and leaving where records lie rings the doorbell once, and not after the end', async () => {
    const { backend, share, send } = await clock()
    const steps = share.ring.batches()
    send(1)
    await steps.next()
    const { total } = share.doorbell
    send(2)
    await steps.return(undefined)
    assert.equal(share.doorbell.total, total + 1)
    const last = share.ring.batches()
    await last.next()
    send(3)
    const before = share.doorbell.total
    backend.ended(1, 'peer-ended')
    await last.return(undefined)
    assert.equal(share.doorbell.total, before)
  })
})

describe('who has a ring', () => {
  const cases = [
    ['no peer', {}, 1],
    ['fill', { peer: 'fill' }, 1],
    ['one’s own peer without the magic', { peer: 'own' }, 0],
  ] as const
  for (const [what, options, rings] of cases) {
    it(`not: ${what}`, async () => {
      const { device } = await openFake(rings === 1 ? { answer: layOut(1) } : {})
      const share = await device.share({ bytes: 65_536, ...options })
      assert.throws(() => share.ring, { code: 'ERR_PENDSHARE_NO_RING' })
    })
  }

  it('not: a share too small for any', async () => {
    const { device } = await openFake()
    const share = await device.share({ bytes: 4096, peer: 'own' })
    assert.throws(() => share.ring, { code: 'ERR_PENDSHARE_NO_RING' })
  })

  it('not yet: a share that is not accepted', async () => {
    const { device } = await openFake({ answer: () => new Promise(() => {}) })
    device.share({ bytes: 8192, ...CLOCK })
    assert.throws(() => device.shares()[0]?.ring, { code: 'ERR_PENDSHARE_NO_RING', message: /accepted/ })
  })

  for (const count of [1, 2] as const) {
    it(`one’s own peer with ${count}, told by what lies in the memory`, async () => {
      const { device } = await openFake({ answer: layOut(count) })
      const { ring } = await device.share(Region.allocate(65_536), { peer: 'own' })
      assert.equal(ring.bytes.length, count === 1 ? 32_768 : 16_384)
      if (count === 2) assert(ring.writer instanceof RingWriter)
      else assert.throws(() => ring.writer, { code: 'ERR_PENDSHARE_NO_RING' })
    })
  }

  it('a peer that laid out nonsense is found out', async () => {
    const { device } = await openFake()
    const share = await device.share({ bytes: 8192, ...CLOCK })
    assert.throws(() => share.ring, { code: 'ERR_PENDSHARE_RING_CORRUPT' })
  })
})

describe('ring.writer', () => {
  it('writes to the peer that listens', async () => {
    const { backend, device } = await openFake({ answer: layOut(2) })
    const share = await device.share({ bytes: 16_384, peer: 'echo' })
    const { writer } = share.ring
    assert.equal(share.ring.writer, writer)
    assert(writer.write(new Uint8Array([5])))
    assert.equal(writer.publish(), true)
    share.notify()
    assert.equal(backend.calls.at(-1), 'notify 1')
    const peer = new RingReader(ringMemory(share.memory, 1, 2), { ended: true, listen: () => () => {} })
    assert.deepEqual(await read(peer), [5])
  })

  it('is refused after the end', async () => {
    const { backend, device } = await openFake({ answer: layOut(2) })
    const share = await device.share({ bytes: 16_384, peer: 'echo' })
    const { ring } = share
    backend.ended(1, 'released')
    assert.throws(() => ring.writer, { code: 'ERR_PENDSHARE_ENDED' })
  })

  it('is refused where the peer only sends', async () => {
    const { share } = await clock()
    assert.throws(() => share.ring.writer, { code: 'ERR_PENDSHARE_NO_RING', message: /'clock' only sends/ })
  })
})
