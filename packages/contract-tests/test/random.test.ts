/** Random commands find a broken backend, shrink what they found, and replay it from what they print. */
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { runRandomly } from '../src/laws/random.ts'
import { broken } from './broken/index.ts'
import { subjectOf } from './subject.ts'

const FAULTS = [
  'delivers each end twice',
  'never delivers the end',
  'names the loser of a race',
  'writes into the memory after the end',
  'loses notifications',
  'refuses a share and ends it nevertheless',
  'keeps the removal to itself',
]

async function failure(fault: string, seed: number, path?: string): Promise<string> {
  const backend = broken.find((each) => each.fault === fault)?.backend
  assert.ok(backend)
  try {
    await runRandomly({ ...subjectOf(backend), runs: 200 }, seed, path)
  } catch (error) {
    return String(error)
  }
  assert.fail(`random commands did not find a backend that ${fault}`)
}

describe('random commands find a backend that', () => {
  for (const fault of FAULTS) it(fault, { timeout: 60_000 }, async () => void (await failure(fault, 1)))
})

it('a failure is short, and seen again by what it prints', { timeout: 60_000 }, async () => {
  const first = await failure('names the loser of a race', 7)
  const [, seed, path] = /PENDSHARE_SEED=(\S+) PENDSHARE_PATH='(.*)'/.exec(first) ?? []
  const sequence = /after: (.*)/.exec(first)?.[1] ?? ''
  assert.ok(sequence.split('),').length <= 3, `not shrunk: ${sequence}`)
  const again = await failure('names the loser of a race', Number(seed), path)
  assert.match(again, /but/)
  assert.equal(/after: (.*)/.exec(again)?.[1], sequence)
})

it('finds nothing in the mock as it is', { timeout: 60_000 }, async () => {
  await runRandomly({ ...subjectOf((good) => good), runs: 100, watchdogMs: 5000 }, 1)
})
