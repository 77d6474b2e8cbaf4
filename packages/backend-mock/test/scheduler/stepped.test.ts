import { expect, test } from 'vitest'
import { OneStep, type Task } from '../../src/scheduler/scheduler.ts'
import { SteppedScheduler } from '../../src/scheduler/stepped.ts'

function steps(name: string, count: number): Task {
  let done = 0
  return {
    get label() {
      return `${name}${done + 1}`
    },
    step: () => ++done < count,
  }
}

test('steps run oldest first, one at a time', () => {
  const scheduler = new SteppedScheduler()
  scheduler.soon(steps('a', 2))
  scheduler.later(steps('b', 1))
  expect(scheduler.ready).toEqual(['a1', 'b1'])
  expect(scheduler.step()).toBe('a1')
  expect(scheduler.run()).toEqual(['b1', 'a2'])
  expect(scheduler.step()).toBeUndefined()
})

test('a seed determines the order, and seeds differ', () => {
  const orders = new Set<string>()
  for (let seed = 0; seed < 50; seed++) {
    const run = () => {
      const scheduler = new SteppedScheduler()
      for (const name of ['a', 'b', 'c']) scheduler.soon(steps(name, 2))
      return scheduler.runSeed(seed)
    }
    const order = run()
    expect(run()).toEqual(order)
    for (const name of ['a', 'b', 'c'])
      expect(order.indexOf(`${name}1`)).toBeLessThan(order.indexOf(`${name}2`))
    orders.add(order.join())
  }
  expect(orders.size).toBeGreaterThan(30)
})

test('timers come due in their order, at their time, and only when time passes', () => {
  const scheduler = new SteppedScheduler()
  const times: [string, number][] = []
  const at = (name: string, ms: number) =>
    scheduler.at(ms * 1e6, new OneStep(name, () => times.push([name, scheduler.time])))
  at('late', 7)
  at('second', 3)
  at('third', 3)
  at('cancelled', 2).cancel()
  expect(scheduler.run()).toEqual([])
  scheduler.advance(5)
  scheduler.run()
  expect(times).toEqual([
    ['second', 3],
    ['third', 3],
  ])
  expect(scheduler.time).toBe(5)
  scheduler.advance(5)
  expect(scheduler.run()).toEqual(['late'])
  expect(scheduler.time).toBe(10)
  expect(() => scheduler.advance(-1)).toThrow(RangeError)
})

test('a timer in the past runs with the next steps', () => {
  const scheduler = new SteppedScheduler()
  scheduler.at(0, new OneStep('now', () => {}))
  expect(scheduler.run()).toEqual(['now'])
})

test('steps of the test run among the driver’s', () => {
  const scheduler = new SteppedScheduler()
  scheduler.soon(steps('a', 1))
  scheduler.interleave('mine', () => scheduler.soon(steps('b', 1)))
  expect(scheduler.run()).toEqual(['a1', 'mine', 'b1'])
})

test('a step of the test can be put off by steps, and comes when there are no more', () => {
  const scheduler = new SteppedScheduler()
  scheduler.soon(steps('a', 3))
  scheduler.interleave('late', () => {}, 9)
  scheduler.interleave('second', () => {}, 2)
  scheduler.interleave('first', () => {}, 1)
  expect(scheduler.run()).toEqual(['a1', 'a2', 'first', 'a3', 'second', 'late'])
})

test('until() runs what the promise waits for, over turns of the event loop', async () => {
  const scheduler = new SteppedScheduler()
  const promise = (async () => {
    for (let i = 0; i < 3; i++) {
      await new Promise<void>((resolve) => scheduler.soon(new OneStep('turn', resolve)))
      await new Promise((resolve) => setImmediate(resolve))
    }
    return 'done'
  })()
  expect(await scheduler.until(promise, 7)).toBe('done')
  await expect(scheduler.until(Promise.reject(new Error('no')))).rejects.toThrow('no')
})

test('until() puts steps off while the program is at work between its calls', async () => {
  const scheduler = new SteppedScheduler()
  const names: string[] = []
  const note = (name: string) => names.push(name)
  scheduler.interleave('late', () => note('late'), 2)
  const promise = (async () => {
    for (const name of ['one', 'two', 'three']) {
      await new Promise((resolve) => setImmediate(resolve))
      await new Promise<void>((resolve) =>
        scheduler.soon(
          new OneStep(name, () => {
            note(name)
            resolve()
          }),
        ),
      )
    }
  })()
  await scheduler.until(promise)
  expect(names).toEqual(['one', 'two', 'late', 'three'])
})

test('until() tells of a promise that hangs', async () => {
  await expect(new SteppedScheduler().until(new Promise(() => {}))).rejects.toThrow('hangs')
})

test('an endless run is told', () => {
  const scheduler = new SteppedScheduler()
  scheduler.soon({ label: 'busy', step: () => true })
  expect(() => scheduler.run()).toThrow('still busy')
})
