/** Other versions of Node than the pinned one, from the npm registry. */
import { join } from 'node:path'
import { cached } from './cache.ts'
import { mustRun } from './command.ts'

/** The oldest Node that `engines` promises, and the newest line. */
export const OTHER_NODES = ['22.12.0', '26.10.0'] as const

/** The path of the executable; installed when it is not there yet. */
export async function nodeExecutable(version: string): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`
  const directory = await cached(`${name}-${version}`, async (directory) => {
    const argv = ['npm', 'install', '--no-save', '--ignore-scripts', '--no-audit', '--prefix', directory]
    await mustRun([...argv, `${name}@${version}`], { progress: `Node ${version}` })
  })
  return join(directory, 'node_modules', name, 'bin/node')
}
