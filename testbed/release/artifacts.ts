/** Builds and packs everything that a release consists of into one directory, with SHA256SUMS over it. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRun } from '../command.ts'
import { manifestsIn } from './versions.ts'

/** Beside the build itself, where package.json has them. */
const SCRIPTS: readonly { readonly name: string; readonly argv: (out: string) => readonly string[] }[] = [
  { name: 'build', argv: () => [] },
  { name: 'build:prebuilt', argv: () => [] },
  { name: 'package:linux', argv: (out) => ['--', '--out', out] },
]

interface RootManifest {
  readonly packageManager: string
  readonly scripts: Readonly<Record<string, string>>
}

async function readRoot(root: string): Promise<RootManifest> {
  return JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
}

/** The commands that makeArtifacts() runs, in their order. */
export async function commandsFor(
  root: string,
  version: string,
  out: string,
): Promise<readonly (readonly string[])[]> {
  const { scripts, packageManager } = await readRoot(root)
  const built = SCRIPTS.filter(({ name }) => name in scripts)
  const packages = (await manifestsIn(root)).map(({ name }) => `--filter=${name}`)
  return [
    ...built.map(({ name, argv }) => ['npm', 'run', name, ...argv(out)]),
    ['npx', '--yes', packageManager, ...packages, 'pack', '--pack-destination', out],
    driverArchive(version, out),
  ]
}

/** The drivers' sources as they are committed, both systems', with the licence. */
function driverArchive(version: string, out: string): readonly string[] {
  const name = `pendshare-drivers-${version}`
  const file = join(out, `${name}.tar.gz`)
  return ['git', 'archive', '--format=tar.gz', `--prefix=${name}/`, '-o', file, 'HEAD', 'LICENSE', 'drivers']
}

/** Rejects when `out` holds anything, and with what a command said that failed. Resolves with the names of the files. */
export async function makeArtifacts(root: string, version: string, out: string): Promise<string[]> {
  await mkdir(out, { recursive: true })
  const there = await readdir(out)
  if (there.length > 0) throw new Error(`${out} is not empty: ${there.join(', ')}`)
  const env = { ...process.env, CI: 'true' } // keeps pnpm from asking questions
  for (const argv of await commandsFor(root, version, out)) {
    console.log(`release: ${argv.slice(0, 4).join(' ')}`)
    await mustRun(argv, { cwd: root, env, progress: argv[0] === 'npm' ? (argv[2] ?? 'npm') : 'pack' })
  }
  return writeSums(out)
}

/** As sha256sum(1) writes and checks them. */
export async function writeSums(out: string): Promise<string[]> {
  const entries = await readdir(out, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const names = files.map(({ parentPath, name }) => join(parentPath, name).slice(out.length + 1)).sort()
  const lines = await Promise.all(
    names.map(async (name) => {
      const hash = createHash('sha256').update(await readFile(join(out, name)))
      return `${hash.digest('hex')}  ${name}\n`
    }),
  )
  await writeFile(join(out, 'SHA256SUMS'), lines.join(''))
  return [...names, 'SHA256SUMS']
}
