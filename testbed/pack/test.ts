/**
 * `npm run test:pack`: the packages as their users get them. Packed, judged, and installed from those files into empty projects where
 * nothing of the workspace is in reach: by prebuilt addons, and by addons compiled with the commands that the error message tells.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { copyFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { ensurePackages } from '../apt.ts'
import { buildPackages } from '../build.ts'
import { cacheRoot, withLock } from '../cache.ts'
import { conclude } from '../conclude.ts'
import type { Counts } from '../counts.ts'
import { installNode, OTHER_NODES } from '../nodes.ts'
import type { DebianPackage } from '../packages.ts'
import { ROOT } from '../pages.ts'
import { buildPrebuilt } from '../prebuilt/build.ts'
import { binaryOf, targets } from '../prebuilt/targets.ts'
import { checkBuild, checkDll, checkReadme } from './addon.ts'
import { checkBinary } from './binaries.ts'
import { Checks } from './checks.ts'
import { checkKernels } from './kernel.ts'
import { checkLints, checkTypes } from './lints.ts'
import { checkPrebuilt } from './prebuilt.ts'
import { Project } from './project.ts'
import { checkStaleCopy } from './stale.ts'
import { checkManifest, expectedFiles, foreignFiles, isPrebuilt, packAll, type Tarball } from './tarballs.ts'
import { checkWindows } from './windows.ts'

const PACKAGES: readonly DebianPackage[] = [
  'cmake',
  'make',
  'g++',
  'gcc-mingw-w64-x86-64-posix',
  'g++-mingw-w64-x86-64-posix',
  'mingw-w64-tools',
  'musl',
]

/** No run-time dependency of anything. */
const BUILD_TOOLS = ['cmake-js', 'node-addon-api', 'node-api-headers']

const BACKENDS = ['@pendshare/backend-linux', '@pendshare/backend-windows', '@pendshare/native']

/**
 * `built`: the packages are, and others may be using them; to build them takes their dist/ away for a moment. Rejects with
 * MissingPackages when there is no compiler and this user cannot install one.
 */
export async function testPack({ built = false } = {}): Promise<Counts> {
  await ensurePackages(PACKAGES)
  if (!built) await buildPackages()
  await buildPrebuilt()
  const node = await installNode(OTHER_NODES[0])
  const directory = join(cacheRoot(), 'pack')
  return withLock(directory, async () => {
    await rm(directory, { recursive: true, force: true }) // of a run that was killed
    try {
      const checks = new Checks()
      await checkAll(checks, directory, node)
      return checks.counts
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
}

async function checkAll(checks: Checks, directory: string, node: string): Promise<void> {
  const tarballs = await checkTarballs(checks, join(directory, 'tarballs'))
  for (const target of targets) await checkBinary(checks, target, binaryOf(target))
  await checkLints(checks, tarballs)
  // People have spaces in their paths.
  const project = await Project.create(join(directory, 'a project'), tarballs, node)
  if (await checkInstall(checks, project, tarballs)) {
    await checkPrebuilt(checks, project, tarballs)
    await checkTypes(checks, project)
    await checkKernels(checks, project, tarballs)
    await checkWindows(checks, project, tarballs)
  }
  await checkSourceBuilds(checks, await Project.create(join(directory, 'from source'), tarballs, node))
}

async function checkSourceBuilds(checks: Checks, project: Project): Promise<void> {
  const installed = await checks.check('npm installs them without the prebuilt addons', async () => {
    await project.run('npm install --omit=optional')
  })
  if (!installed) return
  await checks.check('the README shows the commands of the message', () => checkReadme(project))
  if (await checkBuild(checks, project, { backend: 'linux', platform: 'linux' })) {
    await checks.check('linux: open() asks the device through the addon that was built', async () => {
      const { code, message } = await project.refusalOf('open.mjs')
      assert.equal(code, 'ERR_PENDSHARE_NO_DRIVER', message)
      assert.match(message, /not a pendshare device/)
    })
    await checks.check('a copy that packing has left shadows no header', () => checkStaleCopy(project))
  }
  const options = () => forWindows(project)
  if (await checkBuild(checks, project, { backend: 'windows', platform: 'win32', options }))
    await checks.check('windows: the addon is a DLL where the loader looks', () =>
      checkDll(join(project.home('@pendshare/backend-windows'), 'build/Release/pendshare_windows.node')),
    )
}

async function checkTarballs(checks: Checks, directory: string): Promise<readonly Tarball[]> {
  const tarballs: Tarball[] = []
  await checks.check('pnpm packs every package', async () => {
    tarballs.push(...(await packAll(directory)))
    assert.ok(tarballs.length > 0)
  })
  await checks.check('packing leaves no headers in the workspace', () =>
    assert.equal(existsSync(join(ROOT, 'packages/native/include')), false),
  )
  for (const tarball of tarballs) {
    const { manifest, bytes, files } = tarball
    await checks.check(`${manifest.name} has what it needs (${bytes} bytes)`, async () => {
      const expected = await expectedFiles(tarball)
      assert.deepEqual(
        expected.filter((file) => !files.includes(file)),
        [],
      )
    })
    await checks.check(`${manifest.name} has nothing of the workspace's own`, () =>
      assert.deepEqual(foreignFiles(tarball), []),
    )
    await checks.check(`${manifest.name} asks for what was packed beside it`, () =>
      checkManifest(tarball, tarballs),
    )
  }
  return tarballs
}

async function checkInstall(
  checks: Checks,
  project: Project,
  tarballs: readonly Tarball[],
): Promise<boolean> {
  const names = tarballs.map(({ manifest }) => manifest.name)
  const installed = await checks.check('npm installs them into an empty project', async () => {
    const start = performance.now()
    await project.run('npm install')
    console.log(
      `# installed in ${((performance.now() - start) / 1000).toFixed(1)} s, ${await sizeOf(project)} KiB`,
    )
  })
  if (!installed) return false
  await checks.check('npm has all of them from these files', async () => {
    const origins = await project.origins()
    for (const name of names) assert.match(origins.get(name) ?? 'nowhere', /^file:/, name)
  })
  await checks.check('installing brings no build tools', () => {
    const reached = BUILD_TOOLS.filter((tool) => BACKENDS.some((from) => project.reaches(from, tool)))
    assert.deepEqual(reached, [])
  })
  await checks.check('each can be imported', async () => {
    // npm lays them all beside each other.
    const libraries = tarballs.filter((tarball) => !isPrebuilt(tarball))
    await project.evaluate(libraries.map(({ manifest }) => `await import('${manifest.name}')`).join('\n'))
  })
  await checks.check('npx pendshare runs', async () => {
    await project.run('npx pendshare --help')
  })
  return true
}

/** What the packages take in node_modules. */
async function sizeOf(project: Project): Promise<number> {
  return Number.parseInt((await project.run('du -sk node_modules')).stdout, 10)
}

/** As testbed/windows-wine cross-builds it, with the headers that the project's cmake-js has brought. */
async function forWindows(project: Project): Promise<string[]> {
  const toolchain = join(project.directory, 'mingw.cmake')
  await copyFile(resolve(import.meta.dirname, '../windows-wine/mingw.cmake'), toolchain)
  const cmakeJs = join(project.home('cmake-js'), 'package.json')
  const { def_paths } = createRequire(cmakeJs)('node-api-headers')
  return [`--CDCMAKE_TOOLCHAIN_FILE=${toolchain}`, `--CDCMAKE_JS_NODELIB_DEF=${def_paths.node_api_def}`]
}

if (import.meta.main) {
  new Command('test:pack')
    .description(
      'pack every package, install them into empty projects, and run them there by prebuilt and by compiled addons',
    )
    .allowExcessArguments(false)
    .parse()
  await conclude('test:pack', () => testPack())
}
