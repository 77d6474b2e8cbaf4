/** Bad input: refused with its exact code, most of it before the driver hears of it, and nothing changes. */
import assert from 'node:assert/strict'
import { type Device, type ErrorCode, PendshareError, Region } from '@pendshare/core'
import type { Context } from '../context.ts'
import { room } from '../law.ts'

export interface Refusal {
  readonly what: string
  readonly code: ErrorCode
  /** What the message has to say besides. */
  readonly says?: RegExp
  attempt(device: Device): unknown
}

/** Values that no type checker would let pass: the checks are for callers without one. */
export const wrong = (value: unknown) => value as never

export const share = (options: object) => (device: Device) =>
  device.share(wrong({ bytes: device.info.pageSize, ...options }))
const shareRegion = (region: () => unknown, options?: unknown) => (device: Device) =>
  device.share(wrong(region()), wrong(options))

const growable = (bytes: number, maxByteLength = bytes) => new SharedArrayBuffer(bytes, { maxByteLength })

export const INVALID = 'ERR_PENDSHARE_INVALID_ARGUMENT'
const UNALIGNED = 'ERR_PENDSHARE_UNALIGNED'
const DETACHABLE = 'ERR_PENDSHARE_DETACHABLE'
const RESIZABLE = 'ERR_PENDSHARE_RESIZABLE'
const DETACHED = 'ERR_PENDSHARE_DETACHED'

const lengths: Refusal[] = [
  { what: 'zero bytes', code: INVALID, says: /bytes/, attempt: share({ bytes: 0 }) },
  { what: 'negative bytes', code: INVALID, says: /bytes/, attempt: share({ bytes: -4096 }) },
  { what: 'fractional bytes', code: INVALID, says: /bytes/, attempt: share({ bytes: 4096.5 }) },
  { what: 'NaN bytes', code: INVALID, says: /bytes/, attempt: share({ bytes: Number.NaN }) },
  { what: 'infinite bytes', code: INVALID, says: /bytes/, attempt: share({ bytes: Infinity }) },
  { what: 'bytes as text', code: INVALID, says: /bytes/, attempt: share({ bytes: '4096' }) },
  { what: 'half a page', code: UNALIGNED, attempt: share({ bytes: 2048 }) },
  { what: 'a page and a byte', code: UNALIGNED, attempt: share({ bytes: 4097 }) },
  {
    what: 'more than device.info.maxBytes',
    code: 'ERR_PENDSHARE_TOO_LARGE',
    attempt: (device) => device.share({ bytes: device.info.maxBytes + device.info.pageSize }),
  },
]

const memory: Refusal[] = [
  {
    what: 'a region that was posted',
    code: INVALID,
    says: /postMessage/,
    attempt: (device) => device.share(structuredClone(Region.allocate(device.info.pageSize))),
  },
  { what: 'a pooled Buffer', code: DETACHABLE, attempt: () => Region.from(Buffer.from('pooled')) },
  { what: 'a view of an ArrayBuffer', code: DETACHABLE, attempt: () => Region.from(new Uint8Array(4096)) },
  {
    what: 'a pooled Buffer that is trusted, for it is not whole pages',
    code: UNALIGNED,
    attempt: () => Region.from(Buffer.from('pooled'), { trustDetachable: true }),
  },
  {
    what: 'an unaligned view',
    code: UNALIGNED,
    attempt: () => Region.from(new Uint8Array(growable(8192), 8, 4096)),
  },
  {
    what: 'a detached ArrayBuffer',
    code: DETACHED,
    attempt: () => Region.from(detached(), { trustDetachable: true }),
  },
  {
    what: 'a resizable ArrayBuffer',
    code: RESIZABLE,
    attempt: () =>
      Region.from(new Uint8Array(new ArrayBuffer(4096, { maxByteLength: 8192 }), 0, 4096), {
        trustDetachable: true,
      }),
  },
  {
    what: 'a length-tracking view',
    code: RESIZABLE,
    attempt: () => Region.from(new Uint8Array(growable(4096))),
  },
  { what: 'an empty view', code: INVALID, attempt: () => Region.from(new Uint8Array(growable(4096), 0, 0)) },
  { what: 'a DataView', code: INVALID, attempt: () => Region.from(wrong(new DataView(growable(4096)))) },
  { what: 'a SharedArrayBuffer itself', code: INVALID, attempt: () => Region.from(wrong(growable(4096))) },
  { what: 'no memory at all', code: INVALID, attempt: shareRegion(() => undefined) },
  { what: 'null for memory', code: INVALID, attempt: shareRegion(() => null) },
  { what: 'a number for memory', code: INVALID, attempt: shareRegion(() => 4096) },
  {
    what: 'unknown options of a region',
    code: INVALID,
    says: /trust/,
    attempt: () => Region.from(new Uint8Array(growable(4096), 0, 4096), wrong({ trust: true })),
  },
]

const options: Refusal[] = [
  { what: 'an unknown option', code: INVALID, says: /perr/, attempt: share({ perr: 'fill' }) },
  { what: 'an unknown access', code: INVALID, says: /access/, attempt: share({ access: 'rw' }) },
  { what: 'a peer that is no text', code: INVALID, says: /peer/, attempt: share({ peer: 7 }) },
  {
    what: 'a peer name that is too long',
    code: INVALID,
    says: /peer/,
    attempt: share({ peer: 'p'.repeat(32) }),
  },
  { what: 'a peer name that is not ASCII', code: INVALID, says: /peer/, attempt: share({ peer: 'ü' }) },
  { what: 'a label of 32 bytes', code: INVALID, says: /label/, attempt: share({ label: 'ü'.repeat(16) }) },
  { what: 'a label with a NUL', code: INVALID, says: /label/, attempt: share({ label: 'a\0b' }) },
  { what: 'no deadline at all', code: INVALID, says: /deadlineMs/, attempt: share({ deadlineMs: 0 }) },
  { what: 'a negative deadline', code: INVALID, says: /deadlineMs/, attempt: share({ deadlineMs: -1 }) },
  {
    what: 'a deadline beyond 2^31 - 1',
    code: INVALID,
    says: /deadlineMs/,
    attempt: share({ deadlineMs: 2 ** 31 }),
  },
  { what: 'a signal that is none', code: INVALID, says: /signal/, attempt: share({ signal: {} }) },
  { what: 'a doorbell that is no handle', code: INVALID, says: /doorbell/, attempt: share({ doorbell: -1 }) },
  {
    what: 'peer options of over 4096 bytes',
    code: INVALID,
    says: /peerOptions/,
    attempt: share({ peer: 'mine', peerOptions: new Uint8Array(4097) }),
  },
  {
    what: 'unknown peer options',
    code: INVALID,
    says: /peerOptions/,
    attempt: share({ peer: 'fill', peerOptions: { period: 1 } }),
  },
  {
    what: 'a period below device.info.minPeriodNs',
    code: INVALID,
    says: /periodNs/,
    attempt: (device) =>
      share({ peer: 'fill', peerOptions: { periodNs: device.info.minPeriodNs - 1 } })(device),
  },
  {
    what: 'a clock without a period',
    code: INVALID,
    says: /periodNs/,
    attempt: share({ bytes: 8192, peer: 'clock', peerOptions: {} }),
  },
  {
    what: 'a fill that may not write',
    code: INVALID,
    says: /access/,
    attempt: share({ peer: 'fill', access: 'read' }),
  },
]

export const refusals = room('refusals', (law) => {
  for (const refusal of [...lengths, ...memory, ...options])
    law(`${refusal.what}: ${refusal.code}, and the driver hears nothing of it`, [], async (context) => {
      const device = await context.open()
      await refuses(context, device, refusal)
      assert.equal(context.witness(device).sightings.size, 1, 'the driver was asked')
    })

  law('an unknown peer, with the longest options: ERR_PENDSHARE_UNKNOWN_PEER', [], async (context) => {
    const device = await context.open()
    for (const bytes of [64, 65, 4096])
      await refuses(context, device, {
        what: `an unknown peer with ${bytes} bytes of options`,
        code: 'ERR_PENDSHARE_UNKNOWN_PEER',
        attempt: share({ peer: 'no-such-peer', peerOptions: new Uint8Array(bytes).fill(1) }),
      })
  })

  law('an unknown peer: ERR_PENDSHARE_UNKNOWN_PEER, and no event ever comes', [], async (context) => {
    const device = await context.open()
    await refuses(context, device, {
      what: 'an unknown peer',
      code: 'ERR_PENDSHARE_UNKNOWN_PEER',
      says: /no-such-peer/,
      attempt: share({ peer: 'no-such-peer' }),
    })
    const [refused] = context.witness(device).sightings.values()
    assert.equal(refused?.state, 'refused')
  })

  law(
    'memory off a page boundary, as in a plain SharedArrayBuffer: ERR_PENDSHARE_UNALIGNED',
    ['addresses'],
    async (context) => {
      const device = await context.open()
      // One may lie at a boundary by chance; they are all kept, so each lies elsewhere.
      const plain = Array.from({ length: 16 }, () => new SharedArrayBuffer(device.info.pageSize))
      let off: Region | undefined
      for (const buffer of plain) {
        const region = Region.from(new Uint8Array(buffer, 0, buffer.byteLength))
        const end = await device.share(region).then(
          (share) => share.release(),
          () => undefined,
        )
        if (end === undefined) off ??= region
      }
      assert.ok(off, 'no plain buffer lies off a boundary')
      const attempt = () => device.share(off)
      await refuses(context, device, { what: 'a plain SharedArrayBuffer', code: UNALIGNED, attempt })
    },
  )

  law('an event that is none: ERR_PENDSHARE_BAD_EVENT', ['event'], async (context) => {
    const device = await context.open()
    const attempt = share({ doorbell: 0x7ffffff0 })
    await refuses(context, device, { what: 'a wrong event', code: 'ERR_PENDSHARE_BAD_EVENT', attempt })
  })

  law(
    'memory beyond the limit: ERR_PENDSHARE_MEMLOCK with the figures, and nothing stays pinned',
    ['memlock', 'memlockPages'],
    async (context) => {
      const device = await context.open()
      const limit = context.subject.hooks?.memlockPages ?? 0
      const { pageSize } = device.info
      // Half of it, as huge pages are charged whole where a share has a part of them.
      const half = { bytes: Math.floor(limit / 2) * pageSize }
      const share = await context.within('share()', device.share(half))
      const attempt = () => device.share({ bytes: limit * pageSize })
      const says = new RegExp(`\\b${limit}\\b`)
      for (let round = 0; round < 3; round++)
        await refuses(context, device, { what: 'too much', code: 'ERR_PENDSHARE_MEMLOCK', says, attempt })
      await context.within('release()', share.release())
      const again = await context.within('share() of what was given back', device.share(half))
      await context.within('release()', again.release())
    },
  )
})

/** Fails unless it is refused so, and the device is as it was before. */
export async function refuses(context: Context, device: Device, refusal: Refusal): Promise<void> {
  const [shares, pinned] = [device.shares(), device.stats().pinnedPages]
  const attempt = Promise.resolve().then(() => refusal.attempt(device))
  await assert.rejects(context.within(`refusing ${refusal.what}`, attempt), (error: unknown) => {
    assert.ok(error instanceof PendshareError, `${refusal.what} gets no PendshareError but ${String(error)}`)
    assert.equal(error.code, refusal.code, error.message)
    if (refusal.says) assert.match(error.message, refusal.says)
    return true
  })
  assert.deepEqual(device.shares(), shares, 'a refused share is listed')
  assert.equal(device.stats().pinnedPages, pinned, 'a refused share left pages pinned')
  const good = await context.within('share() after a refusal', device.share({ bytes: device.info.pageSize }))
  await context.within('release() after a refusal', good.release())
}

function detached(): Uint8Array {
  const view = new Uint8Array(4096)
  structuredClone(view.buffer, { transfer: [view.buffer] })
  return view
}
