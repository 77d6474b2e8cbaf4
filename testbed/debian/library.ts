/** The library as a new user gets it: by the README's line, on a machine that has Node and no compiler. */
import assert from 'node:assert/strict'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { installNodeInto } from '../nodes.ts'
import type { Checks } from '../pack/checks.ts'
import { serveRegistry } from '../pack/registry.ts'
import { packAll } from '../pack/tarballs.ts'
import { bareRoot } from '../root.ts'
import { Machine } from './machine.ts'
import { firstProgram, typed } from './readme.ts'

const COMPILERS = ['cc', 'c++', 'gcc', 'g++', 'clang', 'make', 'cmake', 'python3']

/** Resolves with the directory of the user's project, which has the README's program and those of `programs`. */
export async function checkLibrary(checks: Checks, directory: string): Promise<string | undefined> {
  const tarballs = await packAll(join(directory, 'tarballs'))
  const machine = await Machine.copy(await bareRoot('bookworm'), join(directory, 'user'))
  await installNodeInto(machine.root)
  await checks.check('a machine has no compiler', async () => {
    for (const name of COMPILERS) await assert.rejects(machine.run('sh', '-c', `command -v ${name}`), name)
  })
  const project = join(machine.root, 'project')
  await mkdir(project)
  await using registry = await serveRegistry(tarballs)
  const installed = await checks.check(`there one types '${typed.library}'`, async () => {
    await machine.type(typed.library, {
      cwd: '/project',
      env: { ...network(), npm_config_registry: registry.url },
    })
    const { dependencies } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'))
    assert.deepEqual(Object.keys(dependencies), ['pendshare'])
  })
  if (!installed) return undefined
  await writeFile(join(project, 'first.mjs'), firstProgram)
  await writeFile(
    join(project, 'until.mjs'),
    await readFile(join(import.meta.dirname, 'programs/until.mjs'), 'utf8'),
  )
  await rm(join(project, 'package-lock.json')) // names the registry of this run
  return project
}

/** How npm reaches the network here. */
function network(): Record<string, string> {
  const passed = Object.entries(process.env).filter(([name]) => /^((https?|no)_proxy)$/i.test(name))
  return {
    ...(Object.fromEntries(passed) as Record<string, string>),
    NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt',
  }
}
