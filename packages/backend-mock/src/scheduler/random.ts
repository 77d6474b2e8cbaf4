/** Numbers that a seed determines, for schedules that can be run again (the generator is mulberry32). */

/** Returns the next whole number from 0 to `below` - 1. */
export type Random = (below: number) => number

export function seeded(seed: number): Random {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return Math.floor((((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}
