/** Makes of the repository's TypeScript on the host what is quick to load in guests, where `stripped.mjs` hands it out. */
import { glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { rolldown } from 'rolldown'

const repository = resolve(import.meta.dirname, '../..')
const hook = join(import.meta.dirname, 'stripped.mjs')

/** Fills `directory`; resolves with the environment by which each Node of a guest uses it, with V8's compilers or without. */
export async function stripSources(
  directory: string,
  compilers: boolean,
): Promise<Readonly<Record<string, string>>> {
  const sources = glob('{packages,testbed,examples,bench}/**/*.ts', {
    cwd: repository,
    exclude: (name) => ['node_modules', 'dist', 'build'].includes(name),
  })
  for await (const path of sources) {
    const target = join(directory, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, stripTypeScriptTypes(await readFile(join(repository, path), 'utf8')))
  }
  await bundleCore(directory)
  return { NODE_OPTIONS: `${compilers ? '' : '--jitless '}--import=${hook}`, PENDSHARE_STRIPPED: directory }
}

/**
 * Each module costs some ten messages to the host's file system, and zod alone has seventy: with the core's dependencies in one
 * piece, and what nobody uses left out, a program starts in a third of the time.
 */
async function bundleCore(directory: string): Promise<void> {
  const core = join(repository, 'packages/core/src')
  const bundle = await rolldown({
    input: {
      index: join(core, 'index.ts'),
      live: join(core, 'live.ts'),
      'ring/layout': join(core, 'ring/layout.ts'),
    },
    platform: 'node',
  })
  await bundle.write({
    dir: join(directory, 'packages/core/src'),
    entryFileNames: '[name].ts',
    chunkFileNames: '[name]-[hash].ts',
  })
  await bundle.close()
}
