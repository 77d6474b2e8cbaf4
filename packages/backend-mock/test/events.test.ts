import type { BackendEvent } from '@pendshare/core'
import { expect, test, vi } from 'vitest'
import { EventStream } from '../src/events.ts'
import { SteppedScheduler } from '../src/scheduler/stepped.ts'

function stream(sink = (_: readonly BackendEvent[]): void => {}) {
  const scheduler = new SteppedScheduler()
  const batches: BackendEvent[][] = []
  const delivered = vi.fn()
  const events = new EventStream(
    scheduler,
    (batch) => {
      batches.push(batch.map((event) => ({ ...event })))
      sink(batch)
    },
    delivered,
  )
  return { scheduler, batches, events, delivered }
}

const end = (id: number): BackendEvent => ({ id, kind: 'end', reason: 'released', bytes: 0 })

test('all that waits comes in one batch, in its order, and outside the call', () => {
  const { scheduler, batches, events } = stream()
  events.push(end(1))
  events.push(end(2))
  expect(batches).toEqual([])
  expect(scheduler.run()).toEqual(['deliver'])
  expect(batches).toEqual([[end(1), end(2)]])
  expect(events.empty).toBe(true)
})

test('rings of one share coalesce while they wait, and start anew after a delivery', () => {
  const { scheduler, batches, events } = stream()
  for (const id of [1, 2, 1, 1]) events.ring(id)
  scheduler.run()
  events.ring(1)
  scheduler.run()
  expect(batches).toEqual([
    [
      { id: 1, kind: 'doorbell', count: 3 },
      { id: 2, kind: 'doorbell', count: 1 },
    ],
    [{ id: 1, kind: 'doorbell', count: 1 }],
  ])
})

test('a ring never moves before an earlier event of its share', () => {
  const { scheduler, batches, events } = stream()
  events.ring(1)
  events.push({ id: 1, kind: 'recall', graceMs: 5 })
  events.ring(1)
  events.ring(1)
  events.push(end(1))
  scheduler.run()
  expect(batches[0]?.map((event) => event.kind)).toEqual(['doorbell', 'recall', 'doorbell', 'end'])
  expect(batches[0]?.[2]).toMatchObject({ count: 2 })
})

test('what was delivered is not changed by later rings', () => {
  const kept: BackendEvent[] = []
  const { scheduler, events } = stream((batch) => {
    kept.push(...batch)
    events.ring(1)
  })
  events.ring(1)
  scheduler.step()
  events.ring(1)
  expect(kept).toEqual([{ id: 1, kind: 'doorbell', count: 1 }])
})

test('a sink that throws is told as usual what it got', () => {
  const { scheduler, events, delivered } = stream(() => {
    throw new Error('sink')
  })
  events.push(end(1))
  expect(() => scheduler.run()).toThrow('sink')
  expect(delivered).toHaveBeenCalledWith([end(1)])
})
