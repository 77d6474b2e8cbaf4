/** The records that the ring's tests send, as stream.h makes them: all of record n follows from a seed and n alone. */

export function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

/** Mostly short, now and then of any length that the ring takes. */
export function recordLength(seed: number, n: number, maxPayload: number): number {
  const mixed = mix(seed ^ Math.imul(n, 0x9e3779b1))
  return (mixed & 1023) !== 0 ? (mixed >>> 10) % 97 : (mixed >>> 10) % (maxPayload + 1)
}

const word = (seed: number, n: number, index: number): number =>
  (Math.imul(n, 0x9e3779b1) + Math.imul(index, 0x85ebca77)) ^ seed

/** The data area of a ring, as the stream's words and bytes. */
export class StreamData {
  readonly #bytes: Uint8Array
  readonly #words: Int32Array
  readonly #seed: number

  constructor(bytes: Uint8Array, seed: number) {
    this.#bytes = bytes
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    this.#seed = seed
  }

  fill(n: number, offset: number, length: number): void {
    const whole = length >> 2
    for (let index = 0; index < whole; index++)
      this.#words[(offset >> 2) + index] = word(this.#seed, n, index)
    for (let at = whole * 4; at < length; at++) {
      this.#bytes[offset + at] = word(this.#seed, n, whole) >>> ((at & 3) * 8)
    }
  }

  /** Whether the payload is that of record n. */
  holds(n: number, offset: number, length: number): boolean {
    const whole = length >> 2
    for (let index = 0; index < whole; index++) {
      if (this.#words[(offset >> 2) + index] !== (word(this.#seed, n, index) | 0)) return false
    }
    for (let at = whole * 4; at < length; at++) {
      const byte = (word(this.#seed, n, whole) >>> ((at & 3) * 8)) & 255
      if (this.#bytes[offset + at] !== byte) return false
    }
    return true
  }
}
