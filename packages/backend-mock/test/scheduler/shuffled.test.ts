import { expect, test } from 'vitest'
import { OneStep } from '../../src/scheduler/scheduler.ts'
import { ShuffledScheduler } from '../../src/scheduler/shuffled.ts'

async function order(seed: number): Promise<string> {
  const scheduler = new ShuffledScheduler(seed)
  const log: string[] = []
  await Promise.all(
    ['a', 'b', 'c', 'd'].map(
      (name, index) =>
        new Promise<void>((resolve) => {
          const task = new OneStep(name, () => {
            log.push(name)
            resolve()
          })
          if (index % 2 === 0) scheduler.soon(task)
          else scheduler.later(task, true)
        }),
    ),
  )
  return log.join('')
}

test('the seed picks the order, and everything runs', async () => {
  const orders = new Set<string>()
  for (let seed = 0; seed < 20; seed++) {
    const seen = await order(seed)
    expect([...seen].sort().join('')).toBe('abcd')
    expect(await order(seed)).toBe(seen)
    orders.add(seen)
  }
  expect(orders.size).toBeGreaterThan(5)
})

test('between two steps the program has a turn', async () => {
  const scheduler = new ShuffledScheduler(1)
  const log: string[] = []
  let left = 2
  const done = new Promise<void>((resolve) => {
    scheduler.soon({
      label: 'two',
      step() {
        log.push('step')
        void Promise.resolve().then(() => log.push('turn'))
        left -= 1
        if (left === 0) setImmediate(resolve)
        return left > 0
      },
    })
  })
  await done
  expect(log).toEqual(['step', 'turn', 'step', 'turn'])
})
