import { setImmediate } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { LiveScheduler } from '../../src/scheduler/live.ts'
import { OneStep, type Scheduler } from '../../src/scheduler/scheduler.ts'

const NS_PER_MS = 1e6

test('what is ready runs in one turn, in order, after the caller has returned', async () => {
  const scheduler = new LiveScheduler()
  const log: string[] = []
  const note = (name: string, then = () => {}) =>
    scheduler.soon(
      new OneStep(name, () => {
        log.push(name)
        then()
      }),
    )
  note('a', () => note('c'))
  note('b')
  expect(log).toEqual([])
  await Promise.resolve()
  expect(log).toEqual(['a', 'b', 'c'])
})

test('a step runs until it has no more', async () => {
  const scheduler = new LiveScheduler()
  let left = 3
  scheduler.soon({ label: 'countdown', step: () => --left > 0 })
  await Promise.resolve()
  expect(left).toBe(0)
})

test('work that leads to more work lets timers and I/O have a turn', async () => {
  const scheduler = new LiveScheduler()
  let turned = false
  let turns = 0
  const chain = async () => {
    while (!turned) {
      turns += 1
      await new Promise<void>((resolve) => scheduler.soon(new OneStep('again', resolve)))
    }
  }
  void setImmediate().then(() => {
    turned = true
  })
  await chain()
  expect(turns).toBeGreaterThan(1)
})

test('what throws is not swallowed, and does not stop the rest', async () => {
  const scheduler = new LiveScheduler()
  const thrown = new Promise((resolve) => process.once('uncaughtException', resolve))
  const listeners = process.rawListeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  const rest = new Promise<void>((resolve) => {
    scheduler.soon(
      new OneStep('throws', () => {
        throw new Error('sink')
      }),
    )
    scheduler.soon(new OneStep('rest', resolve))
  })
  await rest
  expect(await thrown).toMatchObject({ message: 'sink' })
  for (const listener of listeners) process.on('unhandledRejection', listener as () => void)
})

test('later() runs after a turn of the event loop', async () => {
  const scheduler = new LiveScheduler()
  for (const referenced of [true, false]) {
    const log: string[] = []
    const ran = new Promise<void>((resolve) =>
      scheduler.later(
        new OneStep('later', () => {
          log.push('later')
          resolve()
        }),
        referenced,
      ),
    )
    await Promise.resolve()
    log.push('turn')
    await ran
    expect(log).toEqual(['turn', 'later'])
  }
})

test('timers run when they are due, at once when that has passed, and not when cancelled', async () => {
  vi.useFakeTimers()
  const times: string[] = []
  const scheduler: Scheduler = new LiveScheduler()
  const start = scheduler.now()
  const at = (name: string, ms: number) =>
    scheduler.at(start + ms * NS_PER_MS, new OneStep(name, () => times.push(name)))
  at('passed', -5)
  at('month', 30 * 24 * 3600 * 1000)
  at('soon', 2)
  at('cancelled', 1).cancel()
  await Promise.resolve()
  expect(times).toEqual(['passed'])
  await vi.advanceTimersByTimeAsync(3)
  expect(times).toEqual(['passed', 'soon'])
  await vi.advanceTimersByTimeAsync(25 * 24 * 3600 * 1000)
  expect(times).toHaveLength(2)
  await vi.advanceTimersByTimeAsync(6 * 24 * 3600 * 1000)
  expect(times).toEqual(['passed', 'soon', 'month'])
  vi.useRealTimers()
})
