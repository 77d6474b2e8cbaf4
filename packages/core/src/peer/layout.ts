/**
 * Structures of C, as data: names and types of fields in their order, laid out as every compiler does for the systems that pendshare runs
 * on: little-endian, each field at a multiple of its own size, the whole a multiple of the largest.
 */

export type Scalar = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'u64' | 'i64' | 'f32' | 'f64'

/** A number, so many of them, or `['text', bytes]`: UTF-8 with a NUL behind it. */
export type Field = Scalar | readonly [Scalar, number] | readonly ['text', number]

/** The fields of a structure in their order. */
export interface Layout {
  readonly [field: string]: Field
}

type In<F extends Field> = F extends 'u64' | 'i64'
  ? number | bigint
  : F extends Scalar
    ? number
    : F extends readonly ['text', number]
      ? string
      : F extends readonly [infer S extends Scalar, number]
        ? readonly In<S>[]
        : never

type Out<F extends Field> = F extends 'u64' | 'i64'
  ? bigint
  : F extends Scalar
    ? number
    : F extends readonly ['text', number]
      ? string
      : F extends readonly [infer S extends Scalar, number]
        ? readonly Out<S>[]
        : never

/** What is written into a structure. What is left out, and what an array lacks, is 0. */
export type LayoutInput<L extends Layout> = { readonly [K in keyof L]?: In<L[K]> | undefined }
/** What is read from one: `u64` and `i64` as bigint. */
export type LayoutOutput<L extends Layout> = { readonly [K in keyof L]: Out<L[K]> }

/** A value that its field cannot hold. `path`: the field, and the index in it. */
export class Misfit extends Error {
  readonly path: readonly PropertyKey[]

  constructor(path: readonly PropertyKey[], message: string) {
    super(message)
    this.path = path
  }
}

const INTEGERS = {
  u8: [1, 0n, 0xffn],
  i8: [1, -0x80n, 0x7fn],
  u16: [2, 0n, 0xffffn],
  i16: [2, -0x8000n, 0x7fffn],
  u32: [4, 0n, 0xffff_ffffn],
  i32: [4, -0x8000_0000n, 0x7fff_ffffn],
  u64: [8, 0n, 0xffff_ffff_ffff_ffffn],
  i64: [8, -0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
} as const

interface Place {
  readonly name: string
  readonly field: Field
  readonly offset: number
}

/** Reads and writes one structure. */
export class Struct<L extends Layout> {
  /** Bytes, padding included. */
  readonly size: number
  readonly #places: readonly Place[]

  constructor(layout: L) {
    let offset = 0
    let largest = 1
    this.#places = Object.entries(layout).map(([name, field]) => {
      const unit = sizeOf(elementOf(field))
      const place = { name, field, offset: Math.ceil(offset / unit) * unit }
      offset = place.offset + unit * (typeof field === 'string' ? 1 : field[1])
      largest = Math.max(largest, unit)
      return place
    })
    this.size = Math.ceil(offset / largest) * largest
  }

  /** Throws a `Misfit`. */
  encode(values: LayoutInput<L>): Uint8Array {
    const bytes = new Uint8Array(this.size)
    const view = new DataView(bytes.buffer)
    for (const { name } of unknownFields(values, this.#places)) throw new Misfit([name], 'no such field')
    for (const { name, field, offset } of this.#places) {
      const value = (values as Readonly<Record<string, unknown>>)[name]
      if (value === undefined) continue
      if (typeof field === 'string') write(view, offset, field, value, [name])
      else if (field[0] === 'text') writeText(bytes.subarray(offset, offset + field[1]), value, [name])
      else writeAll(view, offset, field as readonly [Scalar, number], value, name)
    }
    return bytes
  }

  /** What lies beyond the end of `bytes` reads as 0: an older peer's structure is shorter. */
  decode(bytes: Uint8Array): LayoutOutput<L> {
    const all = new Uint8Array(this.size)
    all.set(bytes.subarray(0, this.size))
    const view = new DataView(all.buffer)
    const entries = this.#places.map(({ name, field, offset }) => {
      if (typeof field === 'string') return [name, read(view, offset, field)]
      if (field[0] === 'text') return [name, readText(all.subarray(offset, offset + field[1]))]
      const [element, count] = field as readonly [Scalar, number]
      return [
        name,
        Array.from({ length: count }, (_, i) => read(view, offset + i * sizeOf(element), element)),
      ]
    })
    return Object.freeze(Object.fromEntries(entries))
  }
}

function unknownFields(values: object, places: readonly Place[]): { name: string }[] {
  return Object.keys(values)
    .filter((key) => !places.some(({ name }) => name === key))
    .map((name) => ({ name }))
}

function elementOf(field: Field): Scalar {
  if (typeof field === 'string') return field
  return field[0] === 'text' ? 'u8' : field[0]
}

function sizeOf(scalar: Scalar): number {
  if (scalar === 'f32') return 4
  return scalar === 'f64' ? 8 : INTEGERS[scalar][0]
}

function writeAll(
  view: DataView,
  offset: number,
  [element, count]: readonly [Scalar, number],
  value: unknown,
  name: string,
): void {
  if (!isList(value)) throw new Misfit([name], 'expected an array')
  if (value.length > count)
    throw new Misfit([name], `expected at most ${count} elements, not ${value.length}`)
  for (let i = 0; i < value.length; i++)
    write(view, offset + i * sizeOf(element), element, value[i], [name, i])
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || ArrayBuffer.isView(value)
}

function write(view: DataView, offset: number, scalar: Scalar, value: unknown, path: readonly PropertyKey[]) {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw new Misfit(path, 'expected a number')
  if (scalar === 'f32') return view.setFloat32(offset, Number(value), true)
  if (scalar === 'f64') return view.setFloat64(offset, Number(value), true)
  const [size, least, most] = INTEGERS[scalar]
  if (typeof value === 'number' && !Number.isInteger(value)) throw new Misfit(path, `${value} is no integer`)
  const integer = BigInt(value)
  if (integer < least || integer > most) throw new Misfit(path, `${value} does not fit ${scalar}`)
  if (size === 8) view.setBigInt64(offset, BigInt.asIntN(64, integer), true)
  else if (size === 4) view.setInt32(offset, Number(BigInt.asIntN(32, integer)), true)
  else if (size === 2) view.setInt16(offset, Number(integer), true)
  else view.setInt8(offset, Number(integer))
}

function read(view: DataView, offset: number, scalar: Scalar): number | bigint {
  switch (scalar) {
    case 'u8':
      return view.getUint8(offset)
    case 'i8':
      return view.getInt8(offset)
    case 'u16':
      return view.getUint16(offset, true)
    case 'i16':
      return view.getInt16(offset, true)
    case 'u32':
      return view.getUint32(offset, true)
    case 'i32':
      return view.getInt32(offset, true)
    case 'u64':
      return view.getBigUint64(offset, true)
    case 'i64':
      return view.getBigInt64(offset, true)
    case 'f32':
      return view.getFloat32(offset, true)
    case 'f64':
      return view.getFloat64(offset, true)
  }
}

function writeText(to: Uint8Array, value: unknown, path: readonly PropertyKey[]): void {
  if (typeof value !== 'string' || value.includes('\0')) throw new Misfit(path, 'expected text without NUL')
  const text = new TextEncoder().encode(value)
  if (text.length >= to.length) throw new Misfit(path, `expected at most ${to.length - 1} bytes of UTF-8`)
  to.set(text)
}

function readText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end))
}
