/** Strips the repository's TypeScript of its types on the host; in guests `stripped.mjs` hands it out. */
import { glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join, resolve } from 'node:path'

const repository = resolve(import.meta.dirname, '../..')
const hook = join(import.meta.dirname, 'stripped.mjs')

/** Fills `directory`; resolves with the environment by which each Node of a guest uses it. */
export async function stripSources(directory: string): Promise<Readonly<Record<string, string>>> {
  const sources = glob('{packages,testbed,examples,bench}/**/*.ts', {
    cwd: repository,
    exclude: (name) => ['node_modules', 'dist', 'build'].includes(name),
  })
  for await (const path of sources) {
    const target = join(directory, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, stripTypeScriptTypes(await readFile(join(repository, path), 'utf8')))
  }
  return { NODE_OPTIONS: `--import=${hook}`, PENDSHARE_STRIPPED: directory }
}
