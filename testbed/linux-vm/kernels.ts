/**
 * Debian's stock kernels as the bed needs them: an uncompressed image to boot, the modules that bring up 9p, and the build
 * tree for our own module. Downloaded by name through apt and unpacked into the cache; nothing is installed.
 */
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { downloadPackages, ensurePackages, updateLists } from '../apt.ts'
import { cached } from '../cache.ts'
import { mustRun } from '../command.ts'
import { debugKernel } from './debug-kernel.ts'

export type KernelName = '6.1' | '6.12' | 'debug'
export const kernelNames: readonly KernelName[] = ['6.1', '6.12', 'debug']

export function isKernelName(text: string): text is KernelName {
  return (kernelNames as readonly string[]).includes(text)
}

export interface Kernel {
  readonly name: KernelName
  /** What `uname -r` says in the guest. */
  readonly release: string
  /** Changes whenever anything about the kernel does; module builds are cached under it. */
  readonly id: string
  /** Uncompressed ELF image with a PVH entry. */
  readonly vmlinux: string
  /** What `make -C` wants for an external module. */
  readonly buildTree: string
  /** Modules to load before 9p can be mounted, in order. */
  readonly bootModules: readonly string[]
  readonly machine: 'pc' | 'microvm'
}

/** Fetches or builds the kernel `name` where the cache does not have it. */
export function obtainKernel(name: KernelName): Promise<Kernel> {
  return name === 'debug' ? debugKernel() : stockKernel(name)
}

async function stockKernel(series: '6.1' | '6.12'): Promise<Kernel> {
  const { release, version, packages } = await newest(series)
  const id = `kernel-${release}_${version}`
  const directory = await cached(id, async (into) => {
    await ensurePackages(['kmod', 'xz-utils'])
    await downloadPackages(packages, into)
    for (const file of await readdir(into))
      if (file.endsWith('.deb')) await mustRun(['dpkg-deb', '--extract', join(into, file), into])
    await writeFile(join(into, 'vmlinux'), await extractVmlinux(join(into, 'boot', `vmlinuz-${release}`)))
    await relocateBuildTree(into, release)
    await keepBootModules(into, release)
    for (const file of await readdir(into))
      if (file.endsWith('.deb') || file === 'boot' || file === 'lib')
        await rm(join(into, file), { recursive: true })
  })
  const modules = join(directory, 'boot-modules')
  return {
    name: series,
    release,
    id,
    vmlinux: join(directory, 'vmlinux'),
    buildTree: join(directory, 'usr/src', `linux-headers-${release}`),
    bootModules: (await readdir(modules)).sort().map((file) => join(modules, file)),
    machine: 'pc',
  }
}

/** The newest kernel of a series that apt offers, plain flavour: the cloud flavour has no 9p. */
async function newest(series: string): Promise<{ release: string; version: string; packages: string[] }> {
  const architecture = (await mustRun(['dpkg', '--print-architecture'])).stdout.trim()
  if (architecture !== 'amd64')
    throw new Error(`the VM bed boots amd64 kernels only; this machine is ${architecture}`)
  const release = (await newestRelease(series)) ?? (await updateLists().then(() => newestRelease(series)))
  if (!release)
    throw new Error(`apt offers no linux-headers-${series}* package; is bookworm-security in its sources?`)
  const headers = `linux-headers-${release}`
  const { stdout } = await mustRun(['apt-cache', 'show', '--no-all-versions', headers])
  const version = /^Version: (\S+)$/m.exec(stdout)?.[1]
  const kbuild = /\blinux-kbuild-[^ ,]+/.exec(stdout)?.[0]
  const common = /\blinux-headers-[^ ,]+-common\b/.exec(stdout)?.[0]
  if (!version || !kbuild || !common) throw new Error(`cannot read what ${headers} depends on`)
  return { release, version, packages: [`linux-image-${release}`, headers, common, kbuild] }
}

async function newestRelease(series: string): Promise<string | undefined> {
  const { stdout } = await mustRun(['apt-cache', 'pkgnames', `linux-headers-${series}.`])
  const plain = /^linux-headers-(\d+\.\d+\.\d+(?:\+\w+)?(?:-\d+)?-amd64)$/
  return stdout
    .split('\n')
    .flatMap((name) => plain.exec(name)?.[1] ?? [])
    .sort(new Intl.Collator('en', { numeric: true }).compare)
    .at(-1)
}

/**
 * The ELF image inside a bzImage, found through the fields of the x86 boot protocol (setup_sects, payload_offset and
 * payload_length). The payload of all but gzip ends with its unpacked size in four bytes, which decompressors refuse.
 */
async function extractVmlinux(path: string): Promise<Buffer> {
  const image = await readFile(path)
  const start = (image.readUInt8(0x1f1) + 1) * 512 + image.readUInt32LE(0x248)
  const payload = image.subarray(start, start + image.readUInt32LE(0x24c))
  const magic = payload.readUInt32BE(0)
  if (magic >>> 16 === 0x1f8b) return gunzipSync(payload)
  const body = payload.subarray(0, -4)
  if (magic === 0x28b52ffd) return zstdDecompressSync(body)
  if (magic === 0xfd377a58) return unxz(`${path}.payload`, body)
  throw new Error(`${path} is compressed in an unknown way (${magic.toString(16)})`)
}

async function unxz(path: string, body: Uint8Array): Promise<Buffer> {
  await writeFile(`${path}.xz`, body)
  await mustRun(['xz', '--decompress', `${path}.xz`])
  return readFile(path)
}

/** Debian's build tree includes the common headers by their installed path; here they lie beside it. */
async function relocateBuildTree(root: string, release: string): Promise<void> {
  const makefile = join(root, 'usr/src', `linux-headers-${release}`, 'Makefile')
  const text = await readFile(makefile, 'utf8')
  await writeFile(makefile, text.replace(/^include \/usr/m, `include ${root}/usr`))
}

/** Copies the modules that 9p over virtio needs to boot-modules/, numbered in the order of their dependencies. */
async function keepBootModules(root: string, release: string): Promise<void> {
  const tree = join(root, 'lib/modules', release, 'kernel')
  const paths = new Map<string, string>()
  for (const entry of await readdir(tree, { recursive: true }))
    if (/\.ko(\.xz)?$/.test(entry)) paths.set(moduleName(entry), join(tree, entry))
  const order = new Set<string>()
  const visit = async (name: string): Promise<void> => {
    const path = paths.get(name)
    if (!path || order.has(path)) return // not a module of this kernel: built in
    const { stdout } = await mustRun(['modinfo', '--field', 'depends', path])
    for (const needed of stdout.trim().split(',').filter(Boolean)) await visit(moduleName(needed))
    order.add(path)
  }
  for (const name of ['virtio_pci', '9pnet_virtio', '9p']) await visit(name)
  const target = join(root, 'boot-modules')
  await mkdir(target)
  for (const [index, path] of [...order].entries()) {
    const copy = join(target, `${String(index).padStart(2, '0')}-${basename(path)}`)
    await copyFile(path, copy)
    if (copy.endsWith('.xz')) await mustRun(['xz', '--decompress', copy])
  }
}

function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.xz)?$/, '')
    .replaceAll('-', '_')
}
