/** The watchdog passes on what settles in time, and names what does not. */
import assert from 'node:assert/strict'
import { it } from 'vitest'
import { within } from '../src/watchdog.ts'

it('passes results and errors on', async () => {
  assert.equal(await within(10_000, 'a result', Promise.resolve(7)), 7)
  await assert.rejects(within(10_000, 'an error', Promise.reject(new Error('no'))), /^Error: no$/)
})

it('names what hangs', async () => {
  await assert.rejects(within(1, 'the end of days', new Promise(() => {})), /hung for 1 ms: the end of days/)
})
