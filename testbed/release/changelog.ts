/** CHANGELOG.md: what stands under `## Unreleased` becomes the entry of a version, with the changesets' sentences at its head. */
import { glob, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

const FILE = 'CHANGELOG.md'
const UNRELEASED = '## Unreleased\n'

/** The entry's text, or undefined: there is none. */
export async function entryOf(root: string, version: string): Promise<string | undefined> {
  const text = await readFile(join(root, FILE), 'utf8')
  const entry = text.split(/^(?=## )/m).find((part) => part.startsWith(`## ${version} - `))
  return entry?.slice(entry.indexOf('\n') + 1).trim()
}

export async function changelogProblems(root: string, version: string): Promise<string[]> {
  const entry = await entryOf(root, version)
  if (entry === undefined)
    return [`${FILE}: no '## ${version} - DATE'; \`npm run release -- version\` writes it`]
  return entry === '' ? [`${FILE}: the entry of ${version} is empty`] : []
}

/** Files of `.changeset`, from the root of the tree. */
export async function changesetsIn(root: string): Promise<string[]> {
  const files: string[] = []
  for await (const file of glob('.changeset/*.md', { cwd: root }))
    if (basename(file) !== 'README.md') files.push(file)
  return files.sort()
}

/** What a changeset tells, without its head. */
export async function summaryOf(root: string, file: string): Promise<string> {
  const text = await readFile(join(root, file), 'utf8')
  return text.replace(/^---\n.*?^---\n/ms, '').trim()
}

/** Moves `## Unreleased` under the version. `date`: as 2026-01-31. Rejects where there is nothing to tell. */
export async function writeEntry(
  root: string,
  version: string,
  date: string,
  summaries: readonly string[],
): Promise<void> {
  const path = join(root, FILE)
  const text = await readFile(path, 'utf8')
  const at = text.indexOf(UNRELEASED)
  if (at < 0) throw new Error(`${FILE} has no '${UNRELEASED.trim()}'`)
  const start = at + UNRELEASED.length
  const next = text.indexOf('\n## ', start)
  const end = next < 0 ? text.length : next + 1
  const points = summaries.map((summary) => `- ${summary.replaceAll('\n', '\n  ')}`).join('\n')
  const body = [points, text.slice(start, end).trim()].filter((part) => part !== '').join('\n\n')
  if (body === '')
    throw new Error(`${FILE} has nothing under '${UNRELEASED.trim()}', and there is no changeset`)
  const entry = `${UNRELEASED}\n## ${version} - ${date}\n\n${body}\n${next < 0 ? '' : '\n'}`
  await writeFile(path, text.slice(0, at) + entry + text.slice(end))
}
