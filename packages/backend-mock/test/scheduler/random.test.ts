import { expect, test } from 'vitest'
import { seeded } from '../../src/scheduler/random.ts'

test('a seed gives the same numbers again, all of them within the bound', () => {
  const numbers = (seed: number) => {
    const random = seeded(seed)
    return Array.from({ length: 1000 }, () => random(7))
  }
  expect(numbers(1)).toEqual(numbers(1))
  expect(numbers(1)).not.toEqual(numbers(2))
  expect(new Set(numbers(3))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]))
})
