/** The suite can fail: each backend that breaks one law is caught, and by the name of that law. */
import assert from 'node:assert/strict'
import { mock } from '@pendshare/backend-mock'
import { LAWS, laws, type Subject } from '@pendshare/contract-tests'
import { type Backend, open } from '@pendshare/core'
import { describe, it } from 'vitest'
import { broken } from './broken.ts'
import { type Finding, judge } from './judge.ts'

const MEMLOCK_BYTES = 8 << 20

function subjectOf(change: (good: Backend) => Backend): Subject {
  const driver = mock({ memlockBytes: MEMLOCK_BYTES })
  const backend = change(driver)
  return {
    name: 'changed mock',
    open: (watch) => open({ backend: watch(backend) }),
    supports: {
      memlock: true,
      deadline: true,
      removal: true,
      ownerExit: true,
      event: false,
      liveMemory: true,
    },
    peers: ['fill'],
    hooks: {
      remove: () => driver.remove(),
      recall: (graceMs) => driver.recall(graceMs),
      pinnedPages: () => driver.stats.pinnedPages,
      memlockPages: MEMLOCK_BYTES / 4096,
    },
    rounds: 20,
    runs: 10,
    watchdogMs: 400,
  }
}

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
  for await (const finding of judge(subjectOf((good) => good))) assert.fail(JSON.stringify(finding))
})
