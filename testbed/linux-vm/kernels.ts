/** The kernels of the bed, by name: which of Debian's each name means, and how it is obtained. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Architecture, Archive, type Package, type Suite } from '../archive.ts'
import { cacheRoot } from '../cache.ts'
import { debugKernel, lookUpDebugKernel } from './debug-kernel.ts'
import { stockKernel } from './stock-kernel.ts'

export interface Kernel {
  /** By which it was asked for. */
  readonly name: string
  /** What `uname -r` says in the guest. */
  readonly release: string
  /** Changes whenever anything about the kernel does; module builds are cached under it. */
  readonly id: string
  /** What QEMU boots: on amd64 an uncompressed ELF image with a PVH entry, on arm64 an Image. */
  readonly image: string
  /** What `make -C` wants for an external module. */
  readonly buildTree: string
  /** A root of the suite that the kernel comes from, with its compiler, where this machine's own is another. */
  readonly buildRoot?: string
  /** Modules to load before 9p can be mounted, in order. */
  readonly bootModules: readonly string[]
  readonly architecture: Architecture
  readonly machine: 'pc' | 'microvm' | 'virt'
}

/** One of Debian's kernels, or the rule by which it is picked. */
export interface Stock {
  readonly suite: Suite
  readonly architecture: Architecture
  /** What the release begins with; empty: whatever is newest. */
  readonly series: string
  /** How the release ends. */
  readonly flavour: string
  /** `suite`: the newest that the suite itself has, without its security updates: that of a fresh installation. */
  readonly pick: 'oldest' | 'suite' | 'newest'
}

interface Named {
  readonly name: string
  readonly what: string
  readonly stock: Stock | 'debug'
}

const amd64 = { suite: 'bookworm', architecture: 'amd64', flavour: 'amd64', pick: 'newest' } as const
const arm64 = { ...amd64, architecture: 'arm64', series: '6.12.' } as const

const kernels: readonly Named[] = [
  { name: '6.12', what: 'Debian 12, backported', stock: { ...amd64, series: '6.12.' } },
  { name: '6.1', what: 'Debian 12, newest', stock: { ...amd64, series: '6.1.' } },
  { name: '6.1-suite', what: 'Debian 12, as installed', stock: { ...amd64, series: '6.1.', pick: 'suite' } },
  { name: '6.1-oldest', what: 'Debian 12, oldest', stock: { ...amd64, series: '6.1.', pick: 'oldest' } },
  { name: '6.12-trixie', what: 'Debian 13', stock: { ...amd64, suite: 'trixie', series: '6.12.' } },
  { name: 'unstable', what: "Debian unstable's newest", stock: { ...amd64, suite: 'sid', series: '' } },
  { name: '6.12-rt', what: 'PREEMPT_RT', stock: { ...amd64, series: '6.12.', flavour: 'rt-amd64' } },
  { name: 'arm64', what: 'arm64, 4 KiB pages', stock: { ...arm64, flavour: 'arm64' } },
  { name: 'arm64-16k', what: 'arm64, 16 KiB pages', stock: { ...arm64, flavour: 'arm64-16k' } },
  { name: 'debug', what: 'KASAN, lockdep, kmemleak and more', stock: 'debug' },
]

export const kernelNames: readonly string[] = kernels.map(({ name }) => name)

/** What `--help` says of the names. */
export const KERNELS_HELP = `\nKernels:\n${kernels.map(({ name, what }) => `  ${name.padEnd(12)} ${what}`).join('\n')}
  or a release that Debian 12 offers for amd64, such as 6.1.0-53-amd64`

/** What a kernel of this name is, in a few words. */
export function describeKernel(name: string): string {
  return kernels.find((kernel) => kernel.name === name)?.what ?? 'Debian 12, by its release'
}

/** Fetches or builds the kernel `name` where the cache does not have it. Rejects with a sentence if there is none. */
export async function obtainKernel(name: string): Promise<Kernel> {
  const stock = specify(name)
  if (stock === 'debug') return debugKernel()
  const headers = await findHeaders(name, stock)
  return stockKernel(name, stock, headers)
}

/** The release that `name` means today, and whether the cache has it. */
export async function lookUpKernel(name: string): Promise<{ release: string; cached: boolean }> {
  const stock = specify(name)
  if (stock === 'debug') {
    const kernel = await lookUpDebugKernel()
    return { release: kernel.version, cached: isCached(kernel.id) }
  }
  const headers = await findHeaders(name, stock)
  return { release: releaseOf(headers), cached: isCached(kernelId(headers)) }
}

function isCached(id: string): boolean {
  return existsSync(join(cacheRoot(), `${id}.complete`))
}

/** @throws Error for what is neither a name nor the release of a kernel. */
export function specify(name: string): Stock | 'debug' {
  const named = kernels.find((kernel) => kernel.name === name)
  if (named) return named.stock
  const exact = /^(\d+\.\d+[\w.+~-]*?)-((?:rt-)?amd64)$/.exec(name)
  if (exact?.[1] && exact[2]) return { ...amd64, series: exact[1], flavour: exact[2] }
  throw new Error(
    `there is no kernel ${name}; there are: ${kernelNames.join(', ')}, and releases as uname -r says them (6.1.0-53-amd64)`,
  )
}

/** The package of the headers, whose name holds the release. Headers come hours before their image, which is signed by hand. */
async function findHeaders(name: string, stock: Stock): Promise<Package> {
  const archive = await Archive.open(stock.suite, stock.architecture)
  const pattern = new RegExp(
    String.raw`^linux-headers-\d+\.\d+\.\d+(?:[+~][\w.]+)?(?:-\d+)?-${stock.flavour}$`,
  )
  const found = (await archive.names(`linux-headers-${stock.series}`))
    .filter((each) => pattern.test(each))
    .sort(new Intl.Collator('en', { numeric: true }).compare)
  const wanted = stock.pick === 'oldest' ? found : found.reverse()
  for (const each of wanted) {
    if (stock.pick === 'suite' && !(await archive.inSuiteItself(each))) continue
    const headers = await archive.show(each)
    if (await archive.find(`linux-image-${releaseOf(headers)}`)) return headers
  }
  throw new Error(
    `Debian's ${stock.suite} offers no kernel ${stock.series}*-${stock.flavour}, which ${name} means`,
  )
}

export function releaseOf(headers: Package): string {
  return headers.name.slice('linux-headers-'.length)
}

export function kernelId(headers: Package): string {
  return `debian-kernel-${releaseOf(headers)}_${headers.version.replaceAll(':', '.')}`
}
