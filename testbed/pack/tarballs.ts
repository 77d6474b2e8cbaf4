/** The packages as they would be published: packed by the pinned pnpm, and what has to be in each. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { glob, readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { withLock } from '../cache.ts'
import { mustRun } from '../command.ts'
import { ROOT } from '../pages.ts'

export interface Tarball {
  readonly path: string
  readonly bytes: number
  /** Of the package in the workspace. */
  readonly home: string
  readonly manifest: Manifest
  readonly files: readonly string[]
}

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports: unknown
  readonly bin?: unknown
  readonly main?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
  /** Of a package with a prebuilt addon. */
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
}

const HEADERS = ['abi', 'atomic', 'bells', 'frames', 'ring'].map((name) => `include/pendshare/${name}.h`)

/** What is the workspace's own business. */
const FOREIGN = /(^|\/)(test|build|node_modules)\/|(^|\/)tsconfig|\.tsbuildinfo$/

/** Packs every package of the workspace into `directory`, which is made and was empty. */
export async function packAll(directory: string): Promise<Tarball[]> {
  const { packageManager } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  const argv = ['npx', '--yes', packageManager, '--filter', './packages/**', 'pack']
  const env = { ...process.env, CI: 'true' } // keeps pnpm from asking questions
  // One at a time: packing puts headers into the workspace, and takes them away.
  await withLock(`${ROOT}/pack`, () =>
    mustRun([...argv, '--pack-destination', directory], { cwd: ROOT, env, progress: 'pnpm pack' }),
  )
  const tarballs = await Promise.all((await readdir(directory)).map((file) => inspect(join(directory, file))))
  return tarballs.sort((a, b) => a.home.localeCompare(b.home))
}

async function inspect(path: string): Promise<Tarball> {
  const { stdout: list } = await mustRun(['tar', '-tzf', path])
  const { stdout: text } = await mustRun(['tar', '-xOzf', path, 'package/package.json'])
  const manifest: Manifest = JSON.parse(text)
  const home = join(ROOT, manifest.os ? 'packages/prebuilt' : 'packages', basename(manifest.name))
  const files = list.trimEnd().split('\n')
  return { path, bytes: (await readFile(path)).length, home, manifest, files: files.map(withoutTop).sort() }
}

export const isPrebuilt = ({ manifest }: Tarball): boolean => manifest.os !== undefined

const withoutTop = (file: string) => file.replace(/^package\//, '')

/** What a package has to hold: sources and what became of them, what its manifest points to, what its addon is compiled from. */
export async function expectedFiles({ home, manifest }: Tarball): Promise<string[]> {
  const sources = await find(home, 'src/**/*.ts')
  const built = sources.flatMap((file) => ['.js', '.d.ts'].map((end) => becomes(file, end)))
  const targets = pathsIn([manifest.exports, manifest.bin, manifest.main])
  const native = await find(home, '{cc,native}/*')
  const more = manifest.name === '@pendshare/native' ? HEADERS : []
  const cmake = existsSync(join(home, 'CMakeLists.txt')) ? ['CMakeLists.txt'] : []
  return [
    'package.json',
    'LICENSE',
    'README.md',
    ...sources,
    ...built,
    ...targets,
    ...native,
    ...more,
    ...cmake,
  ]
}

export function foreignFiles({ files }: Tarball): string[] {
  return files.filter((file) => FOREIGN.test(file))
}

/** That installing it asks for what was packed beside it, for nothing that only the workspace knows, and runs nothing. */
export function checkManifest({ manifest }: Tarball, all: readonly Tarball[]): void {
  assert.doesNotMatch(JSON.stringify(manifest), /"workspace:/)
  const scripts = Object.keys(manifest.scripts ?? {})
  assert.deepEqual(
    scripts.filter((name) => /^(pre|post)?install$|^prepare$/.test(name)),
    [],
  )
  const wanted = { ...manifest.dependencies, ...manifest.optionalDependencies }
  for (const [name, version] of Object.entries(wanted)) {
    const ours = all.find((tarball) => tarball.manifest.name === name)
    if (ours) assert.equal(version, ours.manifest.version, name)
  }
}

async function find(home: string, pattern: string): Promise<string[]> {
  const files: string[] = []
  for await (const file of glob(pattern, { cwd: home })) files.push(file)
  return files
}

function becomes(source: string, end: string): string {
  return source.replace(/^src\//, 'dist/').replace(/\.ts$/, end)
}

/** The files that a manifest's value names, however deep. */
function pathsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value.replace(/^\.\//, '')]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(pathsIn) : []
}
