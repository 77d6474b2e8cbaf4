/** A Debian that packages are installed on: a copy of a root, which can be looked at from here and booted as the root of a guest. */
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type CommandResult, mustRun } from '../command.ts'
import { ROOT } from '../pages.ts'
import { inRoot } from '../root.ts'

/**
 * What is no package's: what apt, dpkg and depmod keep, the key that DKMS makes for all modules when it builds its first, the
 * copies that tools make of the accounts, and what a test has put there.
 */
const NOBODYS = new RegExp(
  [
    ...['var/lib/dpkg', 'var/lib/apt', 'var/cache', 'var/log', 'dev', 'proc', 'sys', 'run', 'tmp'],
    ...['lib/modules/[^/]+/modules\\..*', 'var/lib/dkms/mok\\.(key|pub)', 'etc/.*-', 'etc/\\.pwd\\.lock'],
    ...[
      'home',
      'var/mail',
      'packages',
      'etc/dkms/pendshare-.*\\.conf',
      ROOT.replace(/^\/|\/$/g, '').split('/')[0],
    ],
  ]
    .map((path) => `^(usr/)?${path}(/|$)`)
    .join('|'),
)

/** A directory that is no package's, for what the machine is given. */
export const PACKAGES = '/packages'
const PRELOAD = '/etc/ld.so.preload'
const PRELOADED = `${PACKAGES}/uname.so`

export interface Place {
  readonly user?: string
  readonly cwd: string
  /** Of root's shell; a login has an environment of its own. */
  readonly env?: Readonly<Record<string, string>>
}

export class Machine {
  readonly root: string

  private constructor(root: string) {
    this.root = root
  }

  /** In the place of what a run that was killed has left there. */
  static async copy(from: string, to: string): Promise<Machine> {
    await rm(to, { recursive: true, force: true })
    await mkdir(to, { recursive: true })
    await mustRun(['cp', '--archive', '--reflink=auto', `${from}/.`, to])
    return new Machine(to)
  }

  /** Runs to its end as root, with nothing of this machine's environment. */
  run(...argv: readonly string[]): Promise<CommandResult> {
    const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    const environment = [path, 'HOME=/root', 'LC_ALL=C.UTF-8']
    const quiet = ['DEBIAN_FRONTEND=noninteractive']
    const words = ['env', '--ignore-environment', ...environment, ...quiet, ...argv]
    return mustRun(inRoot(this.root, [], words), { progress: argv.slice(0, 3).join(' ') })
  }

  /** Types a line into a shell: into root's, or into that of a user who has logged in. */
  type(line: string, { user, cwd, env = {} }: Place): Promise<CommandResult> {
    if (user !== undefined) return this.run('runuser', '--login', user, '--command', `cd ${cwd} && ${line}`)
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`)
    return this.run('env', '-C', cwd, ...settings, 'sh', '-c', line)
  }

  /** Until `unplay()` all programs are told that the kernel is `release`. */
  async play(release: string): Promise<void> {
    const [source = ''] = await this.take(PACKAGES, [join(import.meta.dirname, 'uname.c')])
    await this.run('cc', '-shared', '-fPIC', '-o', PRELOADED, source)
    await writeFile(join(this.root, PACKAGES, 'release'), release)
    await writeFile(join(this.root, PRELOAD), `${PRELOADED}\n`)
  }

  unplay(): Promise<void> {
    return rm(join(this.root, PRELOAD))
  }

  /** Where these files then are in the machine. */
  async take(directory: string, files: readonly string[]): Promise<string[]> {
    await mkdir(join(this.root, directory), { recursive: true })
    for (const file of files) await copyFile(file, join(this.root, directory, basename(file)))
    return files.map((file) => join(directory, basename(file)))
  }

  /** All paths that a package may have brought. */
  async paths(): Promise<ReadonlySet<string>> {
    const { stdout } = await mustRun(['find', this.root, '-xdev', '-printf', '%P\\n'])
    return new Set(stdout.split('\n').filter((path) => !NOBODYS.test(path)))
  }

  /** A field of the module that `release` would load. */
  async modinfo(release: string, field: string): Promise<string> {
    return (await this.run('modinfo', '-k', release, '-F', field, 'pendshare')).stdout.trim()
  }

  async accounts(): Promise<string[]> {
    const text = await readFile(join(this.root, 'etc/group'), 'utf8')
    return text.trimEnd().split('\n')
  }
}
