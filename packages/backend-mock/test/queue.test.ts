import type { EndReason } from '@pendshare/core'
import { expect, test } from 'vitest'
import { PendQueue } from '../src/queue.ts'

function pended(id: number) {
  const reasons: EndReason[] = []
  return { id, reasons, cancel: (reason: EndReason) => reasons.push(reason) === 1 }
}

test('an end goes through the cancel routine of the request, and the routine says who won', () => {
  const queue = new PendQueue<ReturnType<typeof pended>>()
  const request = pended(7)
  queue.park(request)
  expect([queue.cancel(7, 'released'), queue.cancel(7, 'cancelled')]).toEqual([true, false])
  expect(queue.find(7)).toBe(request)
  queue.complete(7)
  expect([queue.find(7), queue.cancel(7, 'closed'), queue.size]).toEqual([undefined, false, 0])
})

test('cancelling all reaches each request', () => {
  const queue = new PendQueue<ReturnType<typeof pended>>()
  const requests = [1, 2, 3].map(pended)
  for (const request of requests) queue.park(request)
  queue.cancelAll('closed')
  expect(requests.map(({ reasons }) => reasons)).toEqual([['closed'], ['closed'], ['closed']])
  expect([...queue]).toEqual(requests)
})
