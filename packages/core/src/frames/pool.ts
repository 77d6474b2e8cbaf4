/** Slots of playback that wait to be acquired, and those who wait for one. */
export class Pool {
  /** The first `#count`. The last one in is the first one out: its memory is most likely still in a cache. */
  readonly #slots: Int32Array
  readonly #waiting = new Set<() => void>()
  #count = 0

  constructor(count: number) {
    this.#slots = new Int32Array(count)
  }

  get size(): number {
    return this.#count
  }

  put(slot: number): void {
    this.#slots[this.#count++] = slot
    this.wake()
  }

  take(): number | undefined {
    return this.#count === 0 ? undefined : this.#slots[--this.#count]
  }

  /** There may be something for those who wait. */
  wake(): void {
    for (const wake of this.#waiting) wake()
  }

  /** Calls `wake` when the pool does and when `other` does, until what it returns is called. */
  listen(wake: () => void, other: (wake: () => void) => () => void): () => void {
    this.#waiting.add(wake)
    const deaf = other(wake)
    return () => {
      deaf()
      this.#waiting.delete(wake)
    }
  }
}
