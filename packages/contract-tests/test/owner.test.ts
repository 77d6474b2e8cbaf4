/** The laws of owners find a backend that holds the event loop without need, and one that lets go of it too soon. */
import assert from 'node:assert/strict'
import { laws } from '@pendshare/contract-tests'
import { it } from 'vitest'
import { judge } from './judge.ts'
import { subjectOf } from './subject.ts'

const IDLE = 'a process whose device is idle ends by itself'
const LIVE = 'a live share keeps its process alive until its end'

async function findings(query: string, watchdogMs: number, wanted = /./): Promise<string[]> {
  const fixture = new URL(`./fixture.ts${query}`, import.meta.url)
  const chosen = laws.filter(({ law, title }) => law === 'owner' && wanted.test(title))
  const titles: string[] = []
  for await (const { title } of judge({ ...subjectOf((good) => good), fixture, watchdogMs }, chosen))
    titles.push(title)
  return titles
}

it('an idle device that holds the event loop is found', { timeout: 120_000 }, async () => {
  assert.deepEqual(await findings('?holds', 2000, new RegExp(IDLE)), [IDLE])
})

it('a live share that does not hold it is found', { timeout: 120_000 }, async () => {
  assert.deepEqual(await findings('?drops', 20_000), [LIVE])
})

it('neither is found where nothing is wrong', { timeout: 120_000 }, async () => {
  assert.deepEqual(await findings('', 20_000), [])
})
