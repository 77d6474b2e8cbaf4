/** The table of drivers/linux/README.md: which kernels the driver has been built for and passed its tests on. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Counts } from '../counts.ts'
import { describeKernel, kernelNames } from './kernels.ts'
import { drivers } from './module.ts'

/** What came of one kernel, by group. */
export interface KernelEnd {
  readonly name: string
  readonly release: string
  readonly results: Readonly<Record<string, Counts>>
}

const BEGIN = '<!-- from npm test -- --full --publish -->'
const END = '<!-- end -->'

/** Writes the table, or rejects: half a run, or one that failed, is no evidence. */
export async function publish(
  ends: readonly KernelEnd[],
  { failed }: Counts,
  path = join(drivers, 'linux/README.md'),
): Promise<void> {
  if (failed > 0 || ends.length !== kernelNames.length)
    throw new Error('only a run of all kernels in which nothing failed can be published')
  const [before, rest] = (await readFile(path, 'utf8')).split(`${BEGIN}\n`)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error(`${path} has no '${BEGIN}'`)
  await writeFile(path, `${before}${BEGIN}\n${kernelTable(ends)}${END}${after}`)
  console.log(`published in ${path}`)
}

/** What passed on each kernel, by group; a dash: the group was no part of its run. */
export function kernelTable(ends: readonly KernelEnd[]): string {
  const groups = [...new Set(ends.flatMap(({ results }) => Object.keys(results)))].filter(
    (name) => name !== 'gate',
  )
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`
  const lines = ends.map(({ name, release, results }) =>
    row([name, describeKernel(name), release, ...groups.map((group) => tell(results[group]))]),
  )
  const head = ['kernel', 'what it is', 'release', ...groups]
  return row(head) + row(head.map((_, at) => (at < 3 ? '---' : '--:'))) + lines.join('')
}

function tell(counts: Counts | undefined): string {
  if (!counts) return '–'
  return counts.skipped === 0 ? String(counts.passed) : `${counts.passed}, ${counts.skipped} skipped`
}
