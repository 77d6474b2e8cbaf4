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

  /** There may be something for those who wait: each is called once. */
  wake(): void {
    if (this.#waiting.size > 0) for (const wake of [...this.#waiting]) wake()
  }

  /** Calls `wake` once, when the pool does or `other` does, whichever comes first; returns what stops that. */
  listen(wake: () => void, other: (wake: () => void) => () => void): () => void {
    let deaf = () => {}
    const stop = () => {
      deaf()
      this.#waiting.delete(once)
    }
    const once = () => {
      stop()
      wake()
    }
    this.#waiting.add(once)
    deaf = other(once)
    return stop
  }
}
