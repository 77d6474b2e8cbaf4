/** `npm run release -- version`: one version for the packages, the drivers, the record of the ABI and the changelog. */
import { join } from 'node:path'
import { mustRun } from '../command.ts'
import { layoutProblems, recordAbi } from './abi.ts'
import { changesetsIn, entryOf, summaryOf, writeEntry } from './changelog.ts'
import { stamp, versionOf } from './versions.ts'

/**
 * Raises the version by what the changesets say, or keeps it where there is none, and writes it everywhere. Resolves with
 * it; rejects, before anything is written, when the ABI's layout has changed under its number.
 */
export async function writeVersion(root: string, date: Date): Promise<string> {
  const problems = await layoutProblems(root)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  const changesets = await changesetsIn(root)
  const summaries = await Promise.all(changesets.map((file) => summaryOf(root, file)))
  if (changesets.length > 0) {
    const changeset = join(import.meta.dirname, '../../node_modules/.bin/changeset')
    await mustRun([changeset, 'version'], { cwd: root })
  }
  const version = await versionOf(root)
  await stamp(root, version, date)
  await recordAbi(root, version)
  if ((await entryOf(root, version)) === undefined) {
    const told = summaries.filter((summary) => summary !== '')
    await writeEntry(root, version, date.toISOString().slice(0, 10), told)
  }
  return version
}
