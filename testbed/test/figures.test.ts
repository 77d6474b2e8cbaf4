/** The figures that pages show are those of the JSON of a run. */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import type { Report } from '../../bench/rows.ts'
import { PAGES, withSummary } from '../../bench/summary.ts'

const repository = resolve(import.meta.dirname, '../..')

it.for(Object.entries(PAGES))('%s shows the figures of bench/results.json', async ([page, wanted]) => {
  const report = JSON.parse(await readFile(join(repository, 'bench/results.json'), 'utf8')) as Report
  const text = await readFile(join(repository, page), 'utf8')
  expect(withSummary(text, report, wanted)).toBe(text)
})
