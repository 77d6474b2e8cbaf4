/** What `runContract` makes of the laws: a test or a named skip of each, and a count of pages behind the last. */
import assert from 'node:assert/strict'
import { LAWS, laws, type Runner, runContract, type Subject } from '@pendshare/contract-tests'
import { it } from 'vitest'
import { subjectOf } from './subject.ts'

interface Record {
  readonly groups: string[]
  readonly tests: string[]
  readonly skips: string[]
  readonly afters: (() => Promise<void>)[]
}

function record(change: Partial<Subject>): Record {
  const seen: Record = { groups: [], tests: [], skips: [], afters: [] }
  const runner: Runner = {
    describe(name, body) {
      seen.groups.push(name)
      body()
    },
    it: Object.assign((name: string) => seen.tests.push(name), {
      skip: (name: string) => seen.skips.push(name),
    }),
    after: (body) => seen.afters.push(body),
  }
  runContract({ ...subjectOf((good) => good), ...change, runner })
  return seen
}

it('every law becomes a test or a skip, in the group of its name', () => {
  const { groups, tests, skips } = record({})
  assert.deepEqual(groups, ['the changed mock keeps the contract', ...Object.values(LAWS)])
  assert.equal(tests.length + skips.length, laws.length)
})

it('titles tell laws apart', () => {
  assert.equal(new Set(laws.map(({ law, title }) => `${law} ${title}`)).size, laws.length)
})

it('a skip says what is missing', () => {
  const { skips } = record({
    peers: ['fill'],
    supports: { ...subjectOf((good) => good).supports, deadline: false },
  })
  const reasons = new Set(skips.map((name) => /\((needs [a-z A-Z]+)\)$/.exec(name)?.[1]))
  for (const need of ['deadline', 'event', 'fixture', 'addresses', 'peer echo', 'peer clock', 'peer blast'])
    assert.ok(reasons.has(`needs ${need}`), `no skip says that it needs ${need}`)
  assert.ok(!reasons.has(undefined))
})

it('where nothing can be shown, every law is skipped and says why', () => {
  const { tests, skips, afters } = record({ skip: 'no driver is loaded' })
  assert.deepEqual([tests, afters], [[], []])
  assert.ok(skips.length === laws.length && skips.every((name) => name.endsWith('(no driver is loaded)')))
})

it('pages that are pinned after the last test fail the run', async () => {
  let pinned = 0
  const { afters } = record({ hooks: { pinnedPages: () => pinned } })
  assert.equal(afters.length, 1)
  await afters[0]?.()
  pinned = 1
  await assert.rejects(async () => afters[0]?.(), /still pinned/)
})
