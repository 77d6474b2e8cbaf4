/**
 * One of Debian's kernels as the bed needs it: an image to boot, the modules that bring up 9p, and the build tree for our own
 * module. Unpacked into the cache; nothing is installed.
 */
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { ensurePackages } from '../apt.ts'
import { Archive, type Package, type Suite } from '../archive.ts'
import { cached } from '../cache.ts'
import { mustRun } from '../command.ts'
import { debianRoot } from '../root.ts'
import { type Kernel, kernelId, releaseOf, type Stock } from './kernels.ts'

export async function stockKernel(name: string, stock: Stock, headers: Package): Promise<Kernel> {
  const release = releaseOf(headers)
  const id = kernelId(headers)
  const foreign = stock.suite !== 'bookworm'
  const directory = await cached(id, async (into) => {
    await ensurePackages(['kmod', 'xz-utils'])
    const archive = await Archive.open(stock.suite, stock.architecture)
    await archive.unpack(await imagePackages(archive, release), into)
    if (!foreign) await unpackBuildTree(archive, headers, into)
    await writeImage(await shippedImage(into, release), join(into, 'image'), stock)
    await keepBootModules(into, release)
    for (const part of ['boot', 'lib', 'usr/lib/modules'])
      await rm(join(into, part), { recursive: true, force: true })
  })
  const modules = join(directory, 'boot-modules')
  const root = foreign ? await buildRoot(stock.suite, headers) : undefined
  return {
    name,
    release,
    id,
    image: join(directory, 'image'),
    buildTree: join(root === undefined ? directory : '/', 'usr/src', headers.name),
    ...(root === undefined ? {} : { buildRoot: root }),
    bootModules: (await readdir(modules)).sort().map((file) => join(modules, file)),
    architecture: stock.architecture,
    machine: stock.architecture === 'arm64' ? 'virt' : 'pc',
  }
}

/** With the compiler that the kernel was built with. */
function buildRoot(suite: Suite, headers: Package): Promise<string> {
  const packages = ['make', 'sparse', 'libc6-dev', 'libelf-dev', headers.name]
  return debianRoot(`${suite}-${headers.version.replaceAll(':', '.')}`, suite, packages)
}

/** Since 7.x an image is a package that depends on one with the binary and one with the modules. */
async function imagePackages(archive: Archive, release: string): Promise<string[]> {
  const image = await archive.show(`linux-image-${release}`)
  const parts = image.depends.match(/\blinux-(?:binary|modules)-[^ ,]+/g) ?? []
  return [image.name, ...parts]
}

/** The headers, what they share with other flavours, and the tools of the build, which are programs of this machine's. */
async function unpackBuildTree(archive: Archive, headers: Package, into: string): Promise<void> {
  const named = (pattern: RegExp) => {
    const name = pattern.exec(headers.depends)?.[0]
    if (!name) throw new Error(`cannot read what ${headers.name} depends on: ${headers.depends}`)
    return name
  }
  await archive.unpack([headers.name, named(/\blinux-headers-[^ ,]+-common(?:-rt)?(?![^ ,])/)], into)
  const own = await Archive.open(archive.suite, 'amd64')
  await own.unpack([named(/\blinux-kbuild-[^ ,:]+/)], into)
  // Debian's build tree includes the common headers by their installed path; here they lie beside it.
  const makefile = join(into, 'usr/src', headers.name, 'Makefile')
  const text = await readFile(makefile, 'utf8')
  await writeFile(makefile, text.replace(/^include \/usr/m, `include ${into}/usr`))
}

/** Since 7.x it lies beside the modules. */
async function shippedImage(root: string, release: string): Promise<string> {
  for (const path of [`boot/vmlinuz-${release}`, `usr/lib/modules/${release}/vmlinuz`])
    if (existsSync(join(root, path))) return join(root, path)
  throw new Error(`linux-image-${release} has no kernel in it`)
}

async function writeImage(from: string, to: string, { architecture }: Stock): Promise<void> {
  if (architecture === 'arm64') await copyFile(from, to)
  else await writeFile(to, await extractVmlinux(from))
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

/** Copies the modules that 9p over virtio needs to boot-modules/, numbered in the order of their dependencies. */
async function keepBootModules(root: string, release: string): Promise<void> {
  const tree = await moduleTree(root, release)
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

/** Newer packages have their modules below /usr. */
async function moduleTree(root: string, release: string): Promise<string> {
  for (const library of ['lib', 'usr/lib']) {
    const tree = join(root, library, 'modules', release, 'kernel')
    if (await readdir(tree).catch(() => undefined)) return tree
  }
  throw new Error(`linux-image-${release} has no modules`)
}

function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.xz)?$/, '')
    .replaceAll('-', '_')
}
