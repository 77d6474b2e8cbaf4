/**
 * Builds the kernel module out of tree for one exact kernel, at W=1 and through sparse; any warning fails the build. Works on
 * a copy of the sources in the cache, so that the repository stays clean and each state of them is built once for a kernel.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ensurePackages } from '../apt.ts'
import type { Architecture } from '../archive.ts'
import { cached } from '../cache.ts'
import { run } from '../command.ts'
import type { DebianPackage } from '../packages.ts'
import { inRoot } from '../root.ts'
import type { Kernel } from './kernels.ts'

export const drivers = resolve(import.meta.dirname, '../../drivers')

/** pahole, of dwarves, writes the types of a module where its kernel has some. */
const TOOLS: readonly DebianPackage[] = ['gcc-12', 'make', 'libc6-dev', 'libelf-dev', 'sparse', 'dwarves']
const CROSS_TOOLS: Record<Architecture, readonly DebianPackage[]> = {
  amd64: [],
  arm64: ['gcc-aarch64-linux-gnu'],
}
const CROSS_SETTINGS = { amd64: [], arm64: ['ARCH=arm64', 'CROSS_COMPILE=aarch64-linux-gnu-'] }

/**
 * KBUILD_CHECKSRC is what C=1 sets, unless the headers lack a script of the kernel's own that asks whether sparse will do (as
 * Debian's of 7.2 do): then the kernel leaves sparse out and goes on.
 */
const CHECKS = ['W=1', 'C=1', 'KBUILD_CHECKSRC=1']

/** True once the repository holds the sources of the Linux driver. */
export function moduleExists(): boolean {
  return existsSync(join(drivers, 'linux/Kbuild')) || existsSync(join(drivers, 'linux/Makefile'))
}

/**
 * Builds drivers/linux with what it includes from drivers/, then the kernel peers in `peers`, directories of drivers/ too;
 * resolves with the paths of their .ko files in the order in which they can be loaded.
 */
export function buildModule(kernel: Kernel, peers: readonly string[] = []): Promise<string[]> {
  return buildModules(kernel, drivers, ['include', 'common', 'linux', ...peers], 'linux', peers)
}

/**
 * Builds the external module in `root`/`target`, copying `parts` of `root` (directories, without their test
 * directories), and after it those in `users`, which use its symbols; resolves with the paths of the .ko files.
 */
export async function buildModules(
  kernel: Kernel,
  root: string,
  parts: readonly string[],
  target: string,
  users: readonly string[] = [],
): Promise<string[]> {
  const files = await sourceFiles(root, parts)
  const hash = await hashFiles(root, files, users)
  const directory = await cached(`module-${kernel.id}-${hash}`, async (into) => {
    if (kernel.buildRoot === undefined) await ensurePackages([...TOOLS, ...CROSS_TOOLS[kernel.architecture]])
    for (const file of files) await cp(join(root, file), join(into, file))
    for (const part of parts) await mkdir(join(into, part), { recursive: true })
    await make(kernel, into, target)
    const symbols = `KBUILD_EXTRA_SYMBOLS=${join(into, target, 'Module.symvers')}`
    for (const user of users) await make(kernel, into, user, symbols)
  })
  const built = await Promise.all([target, ...users].map((each) => modulesIn(join(directory, each))))
  return built.flat()
}

async function modulesIn(directory: string): Promise<string[]> {
  const modules = (await readdir(directory)).filter((file) => file.endsWith('.ko'))
  if (modules.length === 0) throw new Error(`no module was built in ${directory}`)
  return modules.map((file) => join(directory, file))
}

/** Builds `part` of `sources`, which includes from the other parts. */
async function make(kernel: Kernel, sources: string, part: string, ...settings: string[]): Promise<void> {
  const directory = join(sources, part)
  const target = [
    `M=${directory}`,
    ...CHECKS,
    '-j2',
    'modules',
    ...settings,
    ...CROSS_SETTINGS[kernel.architecture],
  ]
  const argv = ['make', '-C', kernel.buildTree, ...target]
  // LC_ALL: the warnings are searched for by their English names.
  const { exitCode, output } = await run(
    kernel.buildRoot === undefined ? argv : inRoot(kernel.buildRoot, [sources], argv),
    { env: { ...process.env, LC_ALL: 'C' } },
  )
  await writeFile(`${directory}.build-log`, output)
  if (exitCode !== 0) throw new Error(`the module does not build for ${kernel.release}:\n${output}`)
  if (!/^ {2}CHECK /m.test(output))
    throw new Error(`the module was not checked by sparse for ${kernel.release}:\n${output}`)
  const warnings = output.split('\n').filter((line) => /\bwarning\b|: error:/i.test(line))
  if (warnings.length > 0)
    throw new Error(`warnings from the module's build for ${kernel.release}:\n${output}`)
}

async function sourceFiles(root: string, parts: readonly string[]): Promise<string[]> {
  const files: string[] = []
  for (const part of parts) {
    if (!existsSync(join(root, part))) continue
    const entries = await readdir(join(root, part), { recursive: true, withFileTypes: true })
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name).slice(root.length + 1)
      if (entry.isFile() && !/(^|\/)test\/|\.(o|ko|cmd|mod|mod\.c)$/.test(path)) files.push(path)
    }
  }
  return [...new Set(files)].sort()
}

async function hashFiles(root: string, files: readonly string[], users: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update([...CHECKS, ...users].join(' '))
  for (const file of files) hash.update(`${file}\0`).update(await readFile(join(root, file)))
  return hash.digest('hex').slice(0, 16)
}
