/**
 * Roots of Debian suites by debootstrap, in the cache: with the compiler and the headers of another suite's kernel, because a
 * module has to be built with what its kernel was built with; and with next to nothing, as a new machine is.
 */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ensurePackages, explainApt } from './apt.ts'
import { Archive, digest, type Suite } from './archive.ts'
import { cached } from './cache.ts'
import { mustRun, run } from './command.ts'

/** What of this machine says how the network is reached, and whom to trust there; all else of a root is Debian's. */
const NETWORK = ['/etc/resolv.conf', '/etc/hosts', '/etc/ssl/certs/ca-certificates.crt']

/** Once more when packages were installed: ca-certificates writes its own. */
export async function copyNetwork(root: string): Promise<void> {
  for (const file of NETWORK) {
    await mkdir(join(root, dirname(file)), { recursive: true })
    await copyFile(file, join(root, file)).catch(() => {})
  }
}

/** What debootstrap makes of `suite` and no more; it is not to be written to. Needs root rights: rejects with a sentence that says so. */
export async function bareRoot(suite: Suite): Promise<string> {
  return cached(`root-bare-${suite}`, async (root) => {
    if (process.getuid?.() !== 0)
      throw new Error(`a root of Debian's ${suite} can be made by root only: run this as root`)
    await ensurePackages(['debootstrap'])
    const sources = await (await Archive.open(suite, 'amd64')).sources()
    const mirror = /\] (\S+)/.exec(sources)?.[1] ?? ''
    await must(root, alone(['debootstrap', '--variant=minbase', suite, root, mirror]), `debootstrap ${suite}`)
    await writeFile(join(root, 'etc/apt/sources.list'), sources)
    await writeFile(join(root, 'etc/apt/apt.conf.d/90network'), await aptNetwork())
    await copyNetwork(root)
    await strip(root)
  })
}

/** The same with `packages`. */
export async function debianRoot(name: string, suite: Suite, packages: readonly string[]): Promise<string> {
  return cached(`root-${name}-${digest(`2 ${packages.join(' ')}`)}`, async (root) => {
    await mustRun(['cp', '--archive', '--reflink=auto', `${await bareRoot(suite)}/.`, root])
    await must(root, inRoot(root, [], ['apt-get', 'update']), `package lists of ${suite}`)
    // Headers may bring their image, which makes an initramfs unless told not to.
    const quiet = ['env', 'DEBIAN_FRONTEND=noninteractive', 'INITRD=No']
    const fast = ['-o', 'Dpkg::Options::=--force-unsafe-io'] // a root that was not finished is thrown away
    const install = [...quiet, 'apt-get', ...fast, 'install', '--yes', '--no-install-recommends', ...packages]
    await must(root, inRoot(root, [], install), `packages of ${suite}`)
    await strip(root)
  })
}

/** Takes away what nobody of ours looks at. */
async function strip(root: string): Promise<void> {
  for (const part of ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/locale'])
    await rm(join(root, part), { recursive: true, force: true })
}

/** This machine's proxies, and whether it takes lists that are past their date. */
async function aptNetwork(): Promise<string> {
  const { stdout } = await mustRun(['apt-config', 'dump', '--no-empty', 'Acquire'])
  return stdout
}

/**
 * The words that run `argv` in `root`, with `directories` of this machine, and what is mounted in them, at their own paths.
 */
export function inRoot(root: string, directories: readonly string[], argv: readonly string[]): string[] {
  const script = [
    'root=$1; shift',
    // Its own mount, as a root that is none can neither be the root of another such nor change how mounts spread.
    'mount --bind "$root" "$root"',
    // objtool asks /proc for the limit of its stack.
    'mount -t proc proc "$root/proc"',
    'while [ "$1" != -- ]; do mkdir -p "$root$1"; mount --rbind "$1" "$root$1"; shift; done; shift',
    'exec chroot "$root" "$@"',
  ].join('\n')
  return alone(['sh', '-ec', script, 'sh', root, ...directories, '--', ...argv])
}

/** The words that run `argv` so that its processes and mounts end with it, and with this process: nothing outlives either. */
function alone(argv: readonly string[]): string[] {
  return [...'setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child'.split(' '), ...argv]
}

async function must(root: string, argv: readonly string[], progress: string): Promise<void> {
  const result = await run(argv, { progress })
  if (result.exitCode !== 0) throw new Error(explainApt(result, root))
}
