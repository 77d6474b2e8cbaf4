/**
 * What a guest of another architecture runs instead of this machine's programs: Debian's, Node.js from npm, and cross-builds
 * of the addon and of the driver's tests. It sees them at the paths of their counterparts.
 */
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ensurePackages } from '../apt.ts'
import { type Architecture, Archive } from '../archive.ts'
import { cached } from '../cache.ts'
import { mustRun } from '../command.ts'
import { installNode, NODE_ARCHITECTURE } from '../nodes.ts'

export interface Userland {
  /** Directories of this machine that the guest sees at other paths. */
  readonly binds: readonly { readonly from: string; readonly at: string }[]
  /** Comes before PATH. */
  readonly bin: readonly string[]
  readonly busybox: string
}

export async function userlandFor(architecture: Architecture): Promise<Userland> {
  if (architecture === 'amd64') {
    await ensurePackages(['busybox-static'])
    return { binds: [], bin: [], busybox: '/bin/busybox' }
  }
  const root = await programs(architecture)
  const node = await installNode(process.versions.node, NODE_ARCHITECTURE[architecture])
  const builds = BUILDS.map((at) => ({ from: join(at, architecture), at }))
  for (const { from } of builds) await mkdir(from, { recursive: true })
  return {
    binds: [{ from: join(root, 'usr'), at: '/usr' }, ...builds],
    bin: [dirname(node)],
    busybox: join(root, 'usr/bin/busybox'),
  }
}

/** Where builds for this machine lie; those for another architecture lie in a directory of its name in there. */
const BUILDS = ['packages/backend-linux/build', 'drivers/linux/test/build'].map((path) =>
  resolve(import.meta.dirname, '../..', path),
)

const PACKAGES = [
  ...['busybox-static', 'dash', 'coreutils', 'util-linux', 'grep', 'sed', 'findutils'],
  ...['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1'],
]

/** A merged /usr, so that binding it over this machine's replaces every program and library. */
async function programs(architecture: Architecture): Promise<string> {
  return cached(`userland-bookworm-${architecture}`, async (root) => {
    await (await Archive.open('bookworm', architecture)).unpackWithDependencies(PACKAGES, root)
    for (const part of ['bin', 'sbin', 'lib']) {
      await mustRun(['cp', '-a', `${join(root, part)}/.`, join(root, 'usr', part)])
      await rm(join(root, part), { recursive: true })
    }
  })
}
