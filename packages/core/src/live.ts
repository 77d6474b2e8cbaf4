/**
 * What is live, by its id; backends use it too. The newest stands before the map: a Map that runs empty makes itself a
 * new table at every delete, and a program that lends again and again often has one share at a time.
 */
export class LiveTable<T extends { readonly id: number }> {
  readonly #older = new Map<number, T>()
  #newest: T | undefined

  get size(): number {
    return this.#older.size + (this.#newest === undefined ? 0 : 1)
  }

  get(id: number): T | undefined {
    return this.#newest?.id === id ? this.#newest : this.#older.get(id)
  }

  /** The table has no other entry with this id. */
  add(entry: T): void {
    if (this.#newest !== undefined) this.#older.set(this.#newest.id, this.#newest)
    this.#newest = entry
  }

  delete(id: number): void {
    if (this.#newest?.id === id) this.#newest = undefined
    else this.#older.delete(id)
  }

  /** In the order in which they were added. Entries may be deleted meanwhile. */
  *[Symbol.iterator](): Generator<T, undefined> {
    yield* this.#older.values()
    if (this.#newest !== undefined) yield this.#newest
  }
}
