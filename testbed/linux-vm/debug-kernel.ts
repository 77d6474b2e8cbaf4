/**
 * The debug kernel: Debian's 6.12 source, cut down to what boots Node.js and with every checker of `debug.config` on. Built
 * once, and again only when the fragment or the source's version changes.
 */
import { appendFile, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ensurePackages } from '../apt.ts'
import { Archive, digest } from '../archive.ts'
import { cached } from '../cache.ts'
import { mustRun } from '../command.ts'
import type { Kernel } from './kernels.ts'

const fragment = join(import.meta.dirname, 'debug.config')
const sourcePackage = 'linux-source-6.12'

/** What is to be built: whose source, and with which configuration. */
export async function lookUpDebugKernel(): Promise<{ version: string; id: string; config: string }> {
  const { version } = await (await Archive.open('bookworm', 'amd64')).show(sourcePackage)
  const config = await readFile(fragment, 'utf8')
  return { version, id: `debug-kernel-${version}-${digest(config)}`, config }
}

export async function debugKernel(): Promise<Kernel> {
  const { id, config } = await lookUpDebugKernel()
  const tree = await cached(id, (into) => build(into, config))
  const release = (await readFile(join(tree, 'include/config/kernel.release'), 'utf8')).trim()
  return {
    name: 'debug',
    release,
    id,
    image: join(tree, 'vmlinux'),
    buildTree: tree,
    bootModules: [],
    architecture: 'amd64',
    machine: 'microvm',
  }
}

async function build(tree: string, config: string): Promise<void> {
  await ensurePackages([
    'gcc',
    'make',
    'bc',
    'bison',
    'flex',
    'libelf-dev',
    'libc6-dev',
    'perl',
    'python3',
    'xz-utils',
  ])
  console.log('building the debug kernel: KASAN, lockdep, kmemleak (once; about five minutes on two cores)')
  await (await Archive.open('bookworm', 'amd64')).unpack([sourcePackage], tree)
  const archive = join(tree, `usr/src/${sourcePackage}.tar.xz`)
  await mustRun(['tar', '-xf', archive, '-C', tree, '--strip-components=1', ...unneeded], {
    progress: 'debug kernel: unpacking',
  })
  await rm(archive)
  await mustRun(['make', '-C', tree, 'tinyconfig'])
  await appendFile(join(tree, '.config'), config)
  await mustRun(['make', '-C', tree, 'olddefconfig'])
  await checkConfig(tree, config)
  await mustRun(['make', '-C', tree, '-j2', 'vmlinux', 'modules'], { progress: 'debug kernel: compiling' })
  await discardObjects(tree)
}

/** Parts of the source tree that the fragment cannot reach; their Kconfig files and Makefiles must stay. */
const unneeded = [
  'drivers/gpu',
  'drivers/media',
  'drivers/net/ethernet',
  'drivers/net/wireless',
  'sound',
].map((path) => `--exclude=*/${path}/*.[chS]`)

/** Kconfig drops what it does not know or what lacks a dependency, without a word: a checker must not vanish that way. */
async function checkConfig(tree: string, wanted: string): Promise<void> {
  const got = new Set((await readFile(join(tree, '.config'), 'utf8')).split('\n'))
  const isSet = (name: string) => [...got].some((line) => line.startsWith(`${name}=`))
  const lost = wanted.split('\n').filter((line) => {
    const off = /^# (CONFIG_\w+) is not set$/.exec(line)?.[1]
    return off ? isSet(off) : line.startsWith('CONFIG_') && !got.has(line)
  })
  if (lost.length > 0) throw new Error(`the debug kernel's configuration lost:\n${lost.join('\n')}`)
}

/** An external module needs the headers, scripts and symbol versions, not the objects: they are most of the size. */
async function discardObjects(tree: string): Promise<void> {
  for (const part of [
    'Documentation',
    'drivers',
    'fs',
    'net',
    'samples',
    'sound',
    'rust',
    'lib',
    'mm',
    'kernel',
  ])
    await rm(join(tree, part), { recursive: true, force: true })
  await rm(join(tree, 'vmlinux.o'), { force: true })
}
