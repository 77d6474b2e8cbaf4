/** The suite can fail: each backend that breaks one law is caught, and by the name of that law. */
import assert from 'node:assert/strict'
import { LAWS, laws } from '@pendshare/contract-tests'
import { describe, it } from 'vitest'
import { broken } from './broken/index.ts'
import { type Finding, judge } from './judge.ts'
import { subjectOf } from './subject.ts'

describe('the suite finds a backend that', () => {
  for (const { fault, law, says, backend } of broken)
    it(`${fault}: ${LAWS[law]}`, { timeout: 120_000 }, async () => {
      const others: Finding[] = []
      const likelyFirst = laws.toSorted((one, other) => Number(other.law === law) - Number(one.law === law))
      for await (const finding of judge(subjectOf(backend), likelyFirst)) {
        if (finding.law === law && says.test(finding.message)) return
        others.push(finding)
      }
      assert.fail(`${others.length} other breaches: ${others.map((each) => JSON.stringify(each)).join('\n')}`)
    })
})

it('finds nothing in the mock as it is, when nothing is changed', { timeout: 120_000 }, async () => {
  for await (const finding of judge({ ...subjectOf((good) => good), watchdogMs: 5000 }))
    assert.fail(JSON.stringify(finding))
})

it('every law is broken by somebody', () => {
  const named = new Set<string>(broken.map(({ law }) => law))
  // Those two have tests of their own beside this one.
  for (const law of Object.keys(LAWS)) assert.ok(named.has(law) || law === 'owner' || law === 'random', law)
})
