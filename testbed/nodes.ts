/** Other versions of Node than the pinned one, from the npm registry. */
import { join } from 'node:path'
import { cached, cacheRoot } from './cache.ts'
import { mustRun } from './command.ts'

/** The oldest Node that `engines` promises, and the newest line. */
export const OTHER_NODES = ['22.12.0', '26.10.0'] as const

const PACKAGE = `node-${process.platform}-${process.arch}`

/** The path of the executable; installed when it is not there yet. */
export async function installNode(version: string): Promise<string> {
  await cached(entry(version), async (directory) => {
    const argv = ['npm', 'install', '--no-save', '--ignore-scripts', '--no-audit', '--prefix', directory]
    await mustRun([...argv, `${PACKAGE}@${version}`], { progress: `Node ${version}` })
  })
  return installedNode(version)
}

/** Where `installNode()` has put it. */
export function installedNode(version: string): string {
  return join(cacheRoot(), entry(version), 'node_modules', PACKAGE, 'bin/node')
}

function entry(version: string): string {
  return `${PACKAGE}-${version}`
}
