/** Other versions of Node than the pinned one, from the npm registry. */
import { cp, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, cacheRoot } from './cache.ts'
import { mustRun } from './command.ts'

/** The oldest Node that `engines` promises, and the newest line. */
export const OTHER_NODES = ['22.12.0', '26.10.0'] as const

/** Node's names of Debian's architectures. */
export const NODE_ARCHITECTURE = { amd64: 'x64', arm64: 'arm64' } as const

/** The path of the executable; installed when it is not there yet. `arch` as process.arch has it. */
export async function installNode(version: string, arch: string = process.arch): Promise<string> {
  const name = packageFor(arch)
  await cached(`${name}-${version}`, async (directory) => {
    const argv = [
      'npm',
      'install',
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--force',
      '--prefix',
      directory,
    ]
    await mustRun([...argv, `${name}@${version}`], { progress: `Node ${version} (${arch})` })
  })
  return installedNode(version, arch)
}

/** Where `installNode()` has put it. */
export function installedNode(version: string, arch: string = process.arch): string {
  const name = packageFor(arch)
  return join(cacheRoot(), `${name}-${version}`, 'node_modules', name, 'bin/node')
}

function packageFor(arch: string): string {
  return `node-${process.platform}-${arch}`
}

/** npm of the pinned Node's time. */
const NPM = 'npm@11'

/** Puts the workspace's Node and an npm into a root, as the archives of nodejs.org lay them out under /usr/local. */
export async function installNodeInto(root: string): Promise<void> {
  const node = await installNode(process.versions.node)
  const npm = await cached(NPM, async (directory) => {
    await mustRun(['npm', 'install', '--no-save', '--no-audit', '--prefix', directory, NPM], {
      progress: NPM,
    })
  })
  const home = join(root, 'usr/local')
  await cp(node, join(home, 'bin/node'))
  await cp(join(npm, 'node_modules/npm'), join(home, 'lib/node_modules/npm'), { recursive: true })
  for (const name of ['npm', 'npx'])
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(home, 'bin', name))
}
