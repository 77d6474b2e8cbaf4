/** What is sent in the tests of the ring and of frames, as stream.h makes it: all of the n-th follows from a seed and n alone. */

export function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

const word = (seed: number, n: number, index: number): number =>
  (Math.imul(n, 0x9e3779b1) + Math.imul(index, 0x85ebca77)) ^ seed

/** Memory in which contents of the stream lie, as its words and bytes. */
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

  /** Whether this is the content of the n-th. */
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
