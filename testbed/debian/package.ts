/**
 * `npm run package:linux`: the Linux driver as a Debian source package and its two binary packages, built and judged by lintian in a
 * minimal Debian 12. The same sources give the same packages.
 */
import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { Command } from 'commander'
import { mustRun, run } from '../command.ts'
import { ROOT } from '../pages.ts'
import { inRoot } from '../root.ts'
import { buildRoot } from './roots.ts'
import { driverVersion, type SourceOptions, writeSourceTree } from './source.ts'

export interface Packages {
  readonly version: string
  readonly dkms: string
  readonly udev: string
  /** All that was built. */
  readonly files: readonly string[]
}

/** Builds into `out`, which is made. Rejects with what dpkg-buildpackage said when it fails. */
export async function buildDebian(out: string, options: SourceOptions = {}): Promise<Packages> {
  const root = await buildRoot()
  const version = options.version ?? (await driverVersion())
  return inTemporary(async (directory) => {
    const source = join(directory, `pendshare-${version}`)
    await writeSourceTree(source, options)
    const argv = inside(source, ['dpkg-buildpackage', '--no-sign'])
    await mustRun(inRoot(root, [directory], argv), { progress: `dpkg-buildpackage ${version}` })
    await mkdir(out, { recursive: true })
    const built = (await readdir(directory)).filter((file) => file !== basename(source)).sort()
    for (const file of built) await copyFile(join(directory, file), join(out, file))
    return packagesIn(out, version)
  })
}

/** What a build has put into `out`, where nothing else is. */
export async function packagesIn(out: string, version: string): Promise<Packages> {
  const binary = (name: string) => join(out, `pendshare-${name}_${version}_all.deb`)
  const files = (await readdir(out)).sort().map((file) => join(out, file))
  return { version, dkms: binary('dkms'), udev: binary('udev'), files }
}

/** What lintian says of `packages`, hints that fail nobody included; `clean`: neither errors nor warnings. */
export async function lint({ files }: Packages): Promise<{ clean: boolean; said: string }> {
  const root = await buildRoot()
  return inTemporary(async (directory) => {
    for (const file of files) await copyFile(file, join(directory, basename(file)))
    const changes = files.filter((file) => file.endsWith('.changes')).map((file) => basename(file))
    const options = ['--allow-root', '--display-info', '--fail-on', 'error,warning']
    const argv = inside(directory, ['lintian', ...options, ...changes])
    const { exitCode, output } = await run(inRoot(root, [directory, '/dev'], argv), { progress: 'lintian' })
    return { clean: exitCode === 0, said: output.trim() }
  })
}

/** shellcheck of a script of this repository's. */
export async function shellcheck(path: string): Promise<void> {
  await inTemporary(async (directory) => {
    await copyFile(path, join(directory, basename(path)))
    const argv = ['shellcheck', '--shell=sh', join(directory, basename(path))]
    await mustRun(inRoot(await buildRoot(), [directory], argv))
  })
}

async function inTemporary<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'pendshare-debian-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Nothing of this machine's environment takes part. */
function inside(directory: string, argv: readonly string[]): string[] {
  const environment = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LC_ALL=C.UTF-8']
  return ['env', '--ignore-environment', '-C', directory, ...environment, ...argv]
}

async function main(): Promise<void> {
  const program = new Command('npm run package:linux --')
    .description(
      'build the Debian packages of the Linux driver, and ask lintian what it thinks of them (as root)',
    )
    .option('--out <directory>', 'where they go', join(ROOT, 'dist/debian'))
    .allowExcessArguments(false)
    .parse()
  const out = resolve(program.opts<{ out: string }>().out)
  const packages = await buildDebian(out)
  const { clean, said } = await lint(packages)
  if (said !== '') console.log(said)
  console.log(`package:linux: lintian ${clean ? 'finds neither errors nor warnings' : 'is not content'}`)
  for (const file of packages.files) console.log(file)
  process.exitCode = clean ? 0 : 1
}

if (import.meta.main) {
  try {
    await main()
  } catch (error) {
    console.error(`package:linux: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
}
