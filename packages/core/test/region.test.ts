import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Region } from '../src/index.ts'
import { openFake } from './fake.ts'

const growable = (bytes: number, maxByteLength = bytes) => new SharedArrayBuffer(bytes, { maxByteLength })

describe('Region.allocate()', () => {
  it('makes zeroed pages behind a fixed-length view that nothing can detach', () => {
    const { memory, bytes, lent } = Region.allocate(8192)
    assert.equal(bytes, 8192)
    assert.equal(lent, false)
    assert(memory.buffer instanceof SharedArrayBuffer)
    assert.deepEqual(memory, new Uint8Array(8192))
    assert.throws(() => structuredClone(memory, { transfer: [memory.buffer] }))
  })

  for (const bytes of [0, -4096, 4096.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '4096', undefined]) {
    it(`refuses ${typeof bytes} ${bytes} bytes`, () => {
      // @ts-expect-error: deliberately wrong for some
      assert.throws(() => Region.allocate(bytes), {
        code: 'ERR_PENDSHARE_INVALID_ARGUMENT',
        message: /^Region.allocate\(\): bytes: /,
      })
    })
  }

  it('refuses part of a page, and says the next length', () => {
    assert.throws(() => Region.allocate(5000), { code: 'ERR_PENDSHARE_UNALIGNED', message: /8192/ })
  })

  it('says when there is not so much memory', () => {
    assert.throws(() => Region.allocate(2 ** 52), { code: 'ERR_PENDSHARE_NO_MEMORY' })
  })
})

describe('Region.from()', () => {
  it('takes a fixed-length view of a shared buffer, also one with room to grow', () => {
    const buffer = growable(8192, 16384)
    const region = Region.from(new Uint8Array(buffer, 4096, 4096))
    assert.equal(region.memory.buffer, buffer)
    assert.equal(region.memory.byteOffset, 4096)
    buffer.grow(16384)
    assert.equal(region.memory.byteLength, 4096)
  })

  it('takes a Buffer of a shared buffer', () => {
    const region = Region.from(Buffer.from(growable(4096), 0, 4096))
    assert.equal(region.memory.constructor, Uint8Array)
  })

  it('takes an ArrayBuffer only with trustDetachable', () => {
    const view = new Uint8Array(4096)
    assert.equal(Region.from(view, { trustDetachable: true }).bytes, 4096)
    assert.throws(() => Region.from(view), { code: 'ERR_PENDSHARE_DETACHABLE', message: /trustDetachable/ })
  })

  const detached = new Uint8Array(4096)
  structuredClone(detached, { transfer: [detached.buffer] })
  const trust = { trustDetachable: true }
  const refused: [what: string, view: unknown, options: object | undefined, code: string][] = [
    ['a pooled Buffer', Buffer.from('pooled'), undefined, 'ERR_PENDSHARE_DETACHABLE'],
    ['a trusted pooled Buffer', Buffer.from('pooled'), trust, 'ERR_PENDSHARE_UNALIGNED'],
    ['an unaligned offset', new Uint8Array(growable(8192), 16, 4096), undefined, 'ERR_PENDSHARE_UNALIGNED'],
    ['part of a page', new Uint8Array(growable(8192), 0, 100), undefined, 'ERR_PENDSHARE_UNALIGNED'],
    ['no bytes', new Uint8Array(growable(4096), 0, 0), undefined, 'ERR_PENDSHARE_INVALID_ARGUMENT'],
    ['a detached buffer', detached, undefined, 'ERR_PENDSHARE_DETACHED'],
    ['a trusted detached buffer', detached, trust, 'ERR_PENDSHARE_DETACHED'],
    ['a length-tracking view', new Uint8Array(growable(4096)), undefined, 'ERR_PENDSHARE_RESIZABLE'],
    ['a length-tracking Buffer', Buffer.from(growable(4096)), undefined, 'ERR_PENDSHARE_RESIZABLE'],
    [
      'a resizable ArrayBuffer',
      new Uint8Array(new ArrayBuffer(4096, { maxByteLength: 8192 }), 0, 4096),
      trust,
      'ERR_PENDSHARE_RESIZABLE',
    ],
    ['a Float64Array', new Float64Array(growable(4096), 0, 512), undefined, 'ERR_PENDSHARE_INVALID_ARGUMENT'],
    ['the buffer itself', growable(4096), undefined, 'ERR_PENDSHARE_INVALID_ARGUMENT'],
    ['nothing', undefined, undefined, 'ERR_PENDSHARE_INVALID_ARGUMENT'],
    ['unknown options', new Uint8Array(4096), { trust: true }, 'ERR_PENDSHARE_INVALID_ARGUMENT'],
  ]
  for (const [what, view, options, code] of refused) {
    it(`refuses ${what}: ${code}`, () => {
      // @ts-expect-error: deliberately wrong for some
      assert.throws(() => Region.from(view, options), { code })
    })
  }
})

describe('lending', () => {
  it('a region can be lent again and again, once at a time', async () => {
    const { device } = await openFake()
    const region = Region.allocate(4096)
    for (let round = 0; round < 3; round++) {
      const share = await device.share(region)
      assert.equal(region.lent, true)
      await assert.rejects(device.share(region), { code: 'ERR_PENDSHARE_REGION_IN_USE' })
      await share.release()
      assert.equal(region.lent, false)
    }
  })

  it('regions that overlap cannot be lent at once, on any device; neighbours can', async () => {
    const first = (await openFake()).device
    const second = (await openFake()).device
    const buffer = growable(6 * 4096)
    const pages = (from: number, to: number) =>
      Region.from(new Uint8Array(buffer, from * 4096, (to - from) * 4096))
    const middle = await first.share(pages(2, 4))
    for (const [from, to] of [
      [2, 4],
      [1, 3],
      [3, 5],
      [0, 6],
      [2, 3],
      [3, 4],
    ] as const) {
      await assert.rejects(
        second.share(pages(from, to)),
        { code: 'ERR_PENDSHARE_REGION_IN_USE' },
        `${from}-${to}`,
      )
    }
    const [before, after] = [await second.share(pages(0, 2)), await second.share(pages(4, 6))]
    await middle.release()
    await first.share(pages(2, 4))
    await before.release()
    await after.release()
    await first.close()
    await second.share(pages(0, 6))
  })

  it('a buffer that was detached since is refused', async () => {
    const { backend, device } = await openFake()
    const view = new Uint8Array(4096)
    const region = Region.from(view, { trustDetachable: true })
    await (await device.share(region)).release()
    structuredClone(view, { transfer: [view.buffer] })
    await assert.rejects(device.share(region), { code: 'ERR_PENDSHARE_DETACHED' })
    assert.equal(backend.requests.length, 1)
  })
})
