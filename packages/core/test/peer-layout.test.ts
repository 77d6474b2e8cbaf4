import fc from 'fast-check'
import { expect, it } from 'vitest'
import { definePeer } from '../src/index.ts'
import { type Layout, type Scalar, Struct } from '../src/peer/layout.ts'

it('lays fields out as a C compiler does', () => {
  // struct { u8 a; u16 b; u8 c[3]; u64 d; char e[5]; float f; double g; i8 h; }: offsets 0, 2, 4, 8, 16, 24, 32, 40; 48 bytes
  const layout = {
    a: 'u8',
    b: 'u16',
    c: ['u8', 3],
    d: 'u64',
    e: ['text', 5],
    f: 'f32',
    g: 'f64',
    h: 'i8',
  } as const
  const struct = new Struct(layout)
  expect(struct.size).toBe(48)
  const bytes = struct.encode({ a: 1, b: 0x203, c: [4, 5], d: 6n, e: 'abcd', f: 1.5, g: -2, h: -1 })
  const view = new DataView(bytes.buffer)
  expect(view.getUint8(0)).toBe(1)
  expect(view.getUint16(2, true)).toBe(0x203)
  expect([...bytes.subarray(4, 7)]).toEqual([4, 5, 0])
  expect(view.getBigUint64(8, true)).toBe(6n)
  expect([...bytes.subarray(16, 21)]).toEqual([97, 98, 99, 100, 0])
  expect(view.getFloat32(24, true)).toBe(1.5)
  expect(view.getFloat64(32, true)).toBe(-2)
  expect(view.getInt8(40)).toBe(-1)
  expect(struct.decode(bytes)).toEqual({
    a: 1,
    b: 0x203,
    c: [4, 5, 0],
    d: 6n,
    e: 'abcd',
    f: 1.5,
    g: -2,
    h: -1,
  })
})

it('reads what is missing as 0', () => {
  const struct = new Struct({ a: 'u32', b: 'u32', name: ['text', 8] })
  expect(struct.decode(new Uint8Array([7, 0, 0, 0]))).toEqual({ a: 7, b: 0, name: '' })
  expect(struct.encode({})).toEqual(new Uint8Array(16))
})

const RANGES: Readonly<Record<Exclude<Scalar, 'f32' | 'f64'>, readonly [bigint, bigint]>> = {
  u8: [0n, 255n],
  i8: [-128n, 127n],
  u16: [0n, 65535n],
  i16: [-32768n, 32767n],
  u32: [0n, 2n ** 32n - 1n],
  i32: [-(2n ** 31n), 2n ** 31n - 1n],
  u64: [0n, 2n ** 64n - 1n],
  i64: [-(2n ** 63n), 2n ** 63n - 1n],
}

it('gives back every integer that fits its field, and refuses all others', () => {
  const types = fc.constantFrom(...(Object.keys(RANGES) as (keyof typeof RANGES)[]))
  fc.assert(
    fc.property(types, fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }), (type, value) => {
      const struct = new Struct({ pad: 'u8', value: type } as Layout)
      const [least, most] = RANGES[type]
      if (value < least || value > most) expect(() => struct.encode({ value })).toThrow('does not fit')
      else expect(BigInt(struct.decode(struct.encode({ value })).value as bigint)).toBe(value)
    }),
  )
})

it('names what does not fit', () => {
  const peer = definePeer({ name: 'a', layout: { rate: 'u16', list: ['u8', 2], name: ['text', 4] } })
  const INVALID = 'ERR_PENDSHARE_INVALID_ARGUMENT'
  const wrong: [never, RegExp][] = [
    [{ rate: 65536 } as never, /peerOptions\.rate: 65536 does not fit u16/],
    [{ rate: 0.5 } as never, /peerOptions\.rate: 0\.5 is no integer/],
    [{ rate: Number.NaN } as never, /peerOptions\.rate: NaN is no integer/],
    [{ rate: '1' } as never, /peerOptions\.rate: expected a number/],
    [{ list: [1, 2, 3] } as never, /peerOptions\.list: expected at most 2 elements, not 3/],
    [{ list: 'ab' } as never, /peerOptions\.list: expected an array/],
    [{ list: [1, 256] } as never, /peerOptions\.list\[1\]: 256 does not fit u8/],
    [{ name: 'abcd' } as never, /peerOptions\.name: expected at most 3 bytes/],
    [{ name: 'a\0' } as never, /peerOptions\.name: expected text without NUL/],
    [{ rat: 1 } as never, /peerOptions\.rat: no such field/],
  ]
  for (const [options, message] of wrong)
    expect(() => peer.encode(options)).toThrow(
      expect.objectContaining({ code: INVALID, message: expect.stringMatching(message) }),
    )
  expect(peer.encode({ list: new Uint8Array([1, 2]) as never })).toEqual(
    new Uint8Array([0, 0, 1, 2, 0, 0, 0, 0]),
  )
})

it('refuses descriptions that cannot be', () => {
  const INVALID = { code: 'ERR_PENDSHARE_INVALID_ARGUMENT' }
  const wrong = [
    { name: '' },
    { name: 'x'.repeat(32) },
    { name: 'a', speaks: 'words' },
    { name: 'a', layout: { list: ['u32', 1025] } },
    { name: 'a', reply: { list: ['u8', 257] } },
    { name: 'a', layout: { list: ['u8', 0] } },
    { name: 'a', layout: { rate: 'u128' } },
    { name: 'a', options: { rate: 1 } },
    { name: 'a', lyout: {} },
  ]
  for (const description of wrong)
    expect(() => definePeer(description as never), JSON.stringify(description)).toThrow(
      expect.objectContaining(INVALID),
    )
})

it('takes any schema that checks at once', () => {
  const standard = (validate: (value: unknown) => unknown) =>
    ({ '~standard': { version: 1, vendor: 'test', validate } }) as never
  const peer = definePeer({ name: 'a', layout: { rate: 'u32' }, options: standard((value) => ({ value })) })
  expect(peer.encode({ rate: 7 } as never)[0]).toBe(7)
  const late = definePeer({
    name: 'a',
    layout: { rate: 'u32' },
    options: standard(async (value) => ({ value })),
  })
  expect(() => late.encode({} as never)).toThrow('has to check at once')
})
