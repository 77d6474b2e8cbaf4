/**
 * A root of another Debian suite by debootstrap, with the compiler and the headers of one of its kernels: a module has to be
 * built with what its kernel was built with. Lies in the cache; modules are built in it through chroot.
 */
import { copyFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensurePackages } from '../apt.ts'
import { Archive, digest, explainApt, type Package, type Suite } from '../archive.ts'
import { cached } from '../cache.ts'
import { run } from '../command.ts'

/** Needs root rights: rejects with a sentence that says so. */
export async function buildRoot(suite: Suite, headers: Package): Promise<string> {
  const packages = ['make', 'sparse', 'libc6-dev', 'libelf-dev', headers.name]
  const id = `root-${suite}-${headers.version}-${digest(packages.join(' '))}`
  return cached(id, async (root) => {
    if (process.getuid?.() !== 0)
      throw new Error(`the kernel of ${suite} needs a root of its own to build in: run this as root`)
    await ensurePackages(['debootstrap'])
    const sources = await (await Archive.open(suite, 'amd64')).sources()
    const mirror = /\] (\S+)/.exec(sources)?.[1] ?? ''
    await must(root, alone(['debootstrap', '--variant=minbase', suite, root, mirror]), `debootstrap ${suite}`)
    await writeFile(join(root, 'etc/apt/sources.list'), sources)
    for (const file of ['/etc/resolv.conf', '/etc/hosts'])
      await copyFile(file, join(root, file)).catch(() => {})
    await must(root, inRoot(root, [], ['apt-get', 'update']), `package lists of ${suite}`)
    const install = [
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      'apt-get',
      'install',
      '--yes',
      '--no-install-recommends',
    ]
    await must(root, inRoot(root, [], [...install, ...packages]), `compiler of ${suite}`)
    for (const part of ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/locale'])
      await rm(join(root, part), { recursive: true, force: true })
  })
}

/**
 * The words that run `argv` in `root`, with `directories` of this machine at their own paths.
 */
export function inRoot(root: string, directories: readonly string[], argv: readonly string[]): string[] {
  const script = [
    'root=$1; shift',
    // objtool asks /proc for the limit of its stack.
    'mount -t proc proc "$root/proc"',
    'while [ "$1" != -- ]; do mkdir -p "$root$1"; mount --bind "$1" "$root$1"; shift; done; shift',
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
