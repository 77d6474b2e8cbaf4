import { expect, test } from 'vitest'
import { Lease } from '../src/lease.ts'

test('the first reason stands', () => {
  const lease = new Lease()
  expect(lease.reason).toBeUndefined()
  expect([lease.end('released'), lease.end('cancelled')]).toEqual([true, false])
  expect(lease.reason).toBe('released')
})

test('no reference can be taken once it is ending', () => {
  const lease = new Lease()
  expect(lease.get()).toBe(true)
  lease.end('closed')
  expect(lease.get()).toBe(false)
})

test('exactly one put() is the last, whoever comes last', () => {
  const lease = new Lease()
  lease.get()
  lease.get()
  expect(lease.put()).toBe(false)
  lease.end('deadline')
  expect([lease.put(), lease.put()]).toEqual([false, true])
})
