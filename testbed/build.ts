/** `npm run build`: every package to its dist/, and the addon of this system. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensurePackages } from './apt.ts'
import type { Architecture } from './archive.ts'
import { withLock } from './cache.ts'
import { mustRun } from './command.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** In the order of their dependencies: each compiles against the declarations of those before it. */
const PACKAGES = [
  'core',
  'contract-tests',
  'backend-mock',
  'native',
  'backend-linux',
  'backend-windows',
  'pendshare',
]

export async function buildPackages(): Promise<void> {
  for (const name of PACKAGES) {
    console.log(`build: packages/${name}`)
    // What became of a source that is gone would be packed with the others.
    await rm(join(root, `packages/${name}/dist`), { recursive: true, force: true })
    await mustRun(['node_modules/.bin/tsc', '-p', `packages/${name}/tsconfig.json`], { cwd: root })
  }
}

/**
 * Builds the Linux addon, for another architecture in build/<its name>; quick when nothing has changed. Installs the compiler
 * when it is missing and this user may.
 */
export async function buildAddon(architecture: Architecture = 'amd64'): Promise<void> {
  const cross = architecture === 'arm64'
  await ensurePackages(['make', 'cmake', cross ? 'g++-aarch64-linux-gnu' : 'g++'])
  console.log(`build: the addon of packages/backend-linux${cross ? ` for ${architecture}` : ''}`)
  const settings = [
    '--out',
    'build/arm64',
    `--CDCMAKE_TOOLCHAIN_FILE=${join(root, 'testbed/linux-vm/arm64.cmake')}`,
  ]
  const directory = join(root, 'packages/backend-linux')
  const argv = ['npm', 'run', '--silent', 'build:native', ...(cross ? ['--', ...settings] : [])]
  // Groups on different kernels run side by side, and each asks for it.
  await withLock(`${directory}/build`, () => mustRun(argv, { cwd: directory, progress: 'cmake-js' }))
}

if (import.meta.main) {
  try {
    await buildPackages()
    if (process.platform === 'linux') await buildAddon()
    console.log('build: done')
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    console.error('build: failed')
    process.exitCode = 1
  }
}
