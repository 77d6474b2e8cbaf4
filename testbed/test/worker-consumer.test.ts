import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { it } from 'vitest'

const example = resolve(import.meta.dirname, '../../examples/worker-consumer/main.ts')

it('a worker consumes the ring to its last record', { timeout: 60_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@pendshare/source', example])
  const said =
    /^the worker read (\d+) records in \d+ batches up to tick (\d+), 0 were dropped; the share ended: peer-ended$/m
  const [, records, tick] = said.exec(stdout) ?? assert.fail(stdout)
  assert(Number(records) > 0)
  assert(Number(tick) >= 1000)
})
