/** Makes of the repository's TypeScript on the host what is quick to load in guests, where `stripped.mjs` hands it out. */
import { cp, glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { digest } from '../archive.ts'
import { cached } from '../cache.ts'

const repository = resolve(import.meta.dirname, '../..')
const hook = join(import.meta.dirname, 'stripped.mjs')

/** Fills `directory`; resolves with the environment by which each Node of a guest uses it, with V8's compilers or without. */
export async function stripSources(
  directory: string,
  compilers: boolean,
): Promise<Readonly<Record<string, string>>> {
  // Who runs unprivileged may not be let into the cache.
  await cp(await strip(), directory, { recursive: true })
  return { NODE_OPTIONS: `${compilers ? '' : '--jitless '}--import=${hook}`, PENDSHARE_STRIPPED: directory }
}

/** Once for these sources and their dependencies. */
async function strip(): Promise<string> {
  const paths: string[] = []
  for await (const path of glob('{packages,testbed,examples,bench}/**/*.ts', {
    cwd: repository,
    exclude: (name) => ['node_modules', 'dist', 'build'].includes(name),
  }))
    paths.push(path)
  const read = (path: string) => readFile(join(repository, path), 'utf8')
  const sources = await Promise.all(paths.sort().map(async (path) => ({ path, text: await read(path) })))
  const state = JSON.stringify([process.versions.node, repository, await read('pnpm-lock.yaml'), sources])
  return cached(`stripped-${digest(state)}`, async (directory) => {
    for (const { path, text } of sources) {
      await mkdir(dirname(join(directory, path)), { recursive: true })
      await writeFile(join(directory, path), stripTypeScriptTypes(text))
    }
    await bundleCore(directory)
  })
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
      'frames/layout': join(core, 'frames/layout.ts'),
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
