import assert from 'node:assert/strict'
import { it } from 'vitest'
import { asPendshareError, endedError } from '../src/errors.ts'
import { ERROR_CODES, PendshareError } from '../src/index.ts'

it('codes are one namespace, each once', () => {
  assert.equal(new Set(ERROR_CODES).size, ERROR_CODES.length)
  for (const code of ERROR_CODES) assert.match(code, /^ERR_PENDSHARE_[A-Z_]+$/)
})

it('an error has a code, a name and its cause', () => {
  const cause = { name: 'ENOMEM', number: 12 }
  const error = new PendshareError('ERR_PENDSHARE_MEMLOCK', 'too much', { cause })
  assert(error instanceof Error)
  assert.equal(error.name, 'PendshareError')
  assert.equal(error.code, 'ERR_PENDSHARE_MEMLOCK')
  assert.equal(error.cause, cause)
  assert.match(String(error), /^PendshareError: too much/)
})

it('an ended share names itself and what ended it', () => {
  const { code, message } = endedError('share 3', 'released')
  assert.equal(code, 'ERR_PENDSHARE_ENDED')
  assert.match(message, /^share 3 has ended \(released\)/)
})

it('foreign errors become one of ours, ours stay', () => {
  const own = new PendshareError('ERR_PENDSHARE_QUOTA', 'enough')
  assert.equal(asPendshareError(own, 'share()'), own)
  assert.deepEqual(
    [asPendshareError(new Error('x'), 'share()'), asPendshareError('x', 'share()')].map(
      ({ code, message }) => [code, message],
    ),
    [
      ['ERR_PENDSHARE_SYSTEM', 'share(): x'],
      ['ERR_PENDSHARE_SYSTEM', 'share(): x'],
    ],
  )
})
