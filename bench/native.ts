/** Builds the native contenders: static programs and one small addon, all of which the VM runs too. */
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ensurePackages } from '../testbed/apt.ts'
import { mustRun } from '../testbed/command.ts'

const root = resolve(import.meta.dirname, '..')

/** Resolves with the directory that holds `pin`, `sender` and `floor.node`. */
export async function buildNative(into: string): Promise<string> {
  await ensurePackages(['gcc', 'g++', 'libc6-dev'])
  const directory = join(into, 'native')
  await mkdir(directory)
  const source = (name: string) => join(import.meta.dirname, 'native', name)
  const c = [
    'gcc',
    '-std=gnu11',
    '-O2',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-static',
    `-I${root}/drivers/include`,
  ]
  for (const name of ['pin', 'sender'])
    await mustRun([...c, source(`${name}.c`), '-o', join(directory, name)])
  const cxx = ['g++', '-std=c++17', '-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-pthread']
  const headers = ['-isystem', nodeHeaders(), `-I${root}/drivers/include`]
  for (const name of ['floor', 'cycle'])
    await mustRun([...cxx, ...headers, source(`${name}.cc`), '-o', join(directory, `${name}.node`)])
  return directory
}

/** Those of the npm package `node`, which runs this. */
function nodeHeaders(): string {
  const platform = `node-${process.platform}-${process.arch}`
  return join(process.execPath, '../..', 'node_modules', platform, 'include/node')
}
