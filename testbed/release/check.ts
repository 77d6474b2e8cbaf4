/** What keeps a tree from being released: everything at once, each as one sentence that names the file. */
import { run } from '../command.ts'
import { abiProblems } from './abi.ts'
import { changelogProblems, changesetsIn } from './changelog.ts'
import { versionOf, versionProblems } from './versions.ts'

export interface Checked {
  readonly version: string
  /** Empty: it may be released. */
  readonly problems: readonly string[]
}

/** `tag`: the one that the release is made from, where there is one already. */
export async function checkTree(root: string, tag?: string): Promise<Checked> {
  const version = await versionOf(root)
  const problems = await Promise.all([
    treeProblems(root),
    versionProblems(root, version),
    abiProblems(root, version).catch(told),
    changelogProblems(root, version),
    changesetProblems(root),
  ])
  const named =
    tag === undefined || tag === `v${version}` ? [] : [`the tag is ${tag}, but the version ${version}`]
  return { version, problems: [...named, ...problems.flat()] }
}

const told = (error: unknown) => [error instanceof Error ? error.message : String(error)]

async function treeProblems(root: string): Promise<string[]> {
  const { exitCode, output } = await run(['git', 'status', '--porcelain'], { cwd: root })
  if (exitCode !== 0) return [`git cannot tell whether the tree is clean: ${output.trim()}`]
  const lines = output.trimEnd().split('\n').filter(Boolean)
  return lines.length === 0 ? [] : [`the tree is not clean: ${lines.map((line) => line.slice(3)).join(', ')}`]
}

async function changesetProblems(root: string): Promise<string[]> {
  const left = await changesetsIn(root)
  return left.map((file) => `${file} is in no release yet; \`npm run release -- version\` takes it into one`)
}
