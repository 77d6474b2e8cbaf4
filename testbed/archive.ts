/**
 * Debian's archive as one suite and one architecture see it, through apt with settings of its own: nothing of this machine's
 * apt is touched, no root rights are needed, and suites that the machine does not use can be asked too.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { explainApt, LISTS_LAST_MS } from './apt.ts'
import { cacheRoot, withLock } from './cache.ts'
import { type CommandResult, mustRun, run } from './command.ts'

export type Suite = 'bookworm' | 'trixie' | 'sid'
export type Architecture = 'amd64' | 'arm64'

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** A package of the archive, in the newest version that the suite has. */
export interface Package {
  readonly name: string
  readonly version: string
  /** As in the control file. */
  readonly depends: string
}

export class Archive {
  readonly suite: Suite
  readonly architecture: Architecture
  readonly #directory: string
  /** What apt-cache has said, by its words: it takes a second each time, and all groups of a kernel ask the same. */
  readonly #said = new Map<string, Promise<CommandResult>>()

  private constructor(suite: Suite, architecture: Architecture) {
    this.suite = suite
    this.architecture = architecture
    this.#directory = join(cacheRoot(), `apt-${suite}-${architecture}`)
  }

  /** The archive with lists that were at most a day old when it was first asked for. Rejects with one sentence where they cannot be had. */
  static open(suite: Suite, architecture: Architecture): Promise<Archive> {
    const name = `${suite} ${architecture}`
    const opened = Archive.#open.get(name) ?? new Archive(suite, architecture).#prepare()
    Archive.#open.set(name, opened)
    opened.catch(() => Archive.#open.delete(name))
    return opened
  }
  static readonly #open = new Map<string, Promise<Archive>>()

  async #prepare(): Promise<Archive> {
    await withLock(this.#directory, async () => {
      if (!(await this.#isFresh())) await this.#refresh()
    })
    return this
  }

  /** Names that begin with `prefix`. */
  async names(prefix: string): Promise<string[]> {
    return (await this.#ask('pkgnames', prefix)).stdout.split('\n').filter(Boolean)
  }

  async show(name: string): Promise<Package> {
    const found = await this.find(name)
    if (!found) throw new Error(`Debian's ${this.suite} has no package ${name}`)
    return found
  }

  async find(name: string): Promise<Package | undefined> {
    const { exitCode, stdout } = await this.#ask('show', '--no-all-versions', name)
    const version = /^Version: (\S+)$/m.exec(stdout)?.[1]
    if (exitCode !== 0 || !version) return undefined
    return { name, version, depends: /^Depends: (.*)$/m.exec(stdout)?.[1] ?? '' }
  }

  /** True if the suite itself has the package, and not only its security updates. */
  async inSuiteItself(name: string): Promise<boolean> {
    const { stdout } = await this.#ask('madison', name)
    return stdout.split('\n').some((line) => line.includes(` ${this.suite}/`))
  }

  /** Unpacks these packages, and no others, into `root`; runs none of their scripts. */
  async unpack(names: readonly string[], root: string): Promise<void> {
    await this.#fetch(['download', ...names], root, root)
    await extractAll(root, root)
  }

  /** Unpacks these packages and all that they depend on into `root`; runs none of their scripts. */
  async unpackWithDependencies(names: readonly string[], root: string): Promise<void> {
    const archives = join(root, 'archives')
    await mkdir(join(archives, 'partial'), { recursive: true })
    const options = ['-o', `Dir::Cache::archives=${archives}`]
    await this.#fetch(
      [...options, 'install', '--yes', '--download-only', '--no-install-recommends', ...names],
      root,
      archives,
    )
    await extractAll(archives, root)
    await rm(archives, { recursive: true })
  }

  /** The lines of sources.list by which the suite and its updates are reached from here. */
  async sources(): Promise<string> {
    const { debian, security } = await mirrors()
    // A mirror that stands still has lists past their date; whether that is accepted is this machine's decision.
    const { stdout } = await run(['apt-config', 'dump', 'Acquire::Check-Valid-Until'])
    const old = /"(false|no|0)"/.test(stdout) ? ' check-valid-until=no' : ''
    const line = (uri: string, suite: string) => `deb [signed-by=${KEYRING}${old}] ${uri} ${suite} main\n`
    if (this.suite === 'sid') return line(debian, 'sid')
    return (
      line(debian, this.suite) +
      line(debian, `${this.suite}-updates`) +
      line(security, `${this.suite}-security`)
    )
  }

  #ask(...words: readonly string[]): Promise<CommandResult> {
    const question = words.join(' ')
    const answer = this.#said.get(question) ?? run(this.#argv('apt-cache', ...words))
    this.#said.set(question, answer)
    return answer
  }

  /** Once more with new lists when a package has moved on since they were fetched. */
  async #fetch(words: readonly string[], cwd: string, into: string): Promise<void> {
    const argv = this.#argv('apt-get', ...words)
    const options = { cwd, progress: `downloading from ${this.suite} (${this.architecture})` }
    const first = await run(argv, options)
    if (first.exitCode === 0) return
    await withLock(this.#directory, () => this.#refresh())
    const second = await run(argv, options)
    if (second.exitCode !== 0) throw new Error(explainApt(second, into))
  }

  async #isFresh(): Promise<boolean> {
    const age = await stat(join(this.#directory, 'fresh')).catch(() => undefined)
    return age !== undefined && Date.now() - age.mtimeMs < LISTS_LAST_MS
  }

  async #refresh(): Promise<void> {
    const directory = this.#directory
    this.#said.clear()
    await mkdir(join(directory, 'lists/partial'), { recursive: true })
    await mkdir(join(directory, 'cache/archives/partial'), { recursive: true })
    await writeFile(join(directory, 'status'), '')
    await writeFile(join(directory, 'sources.list'), await this.sources())
    const result = await run(this.#argv('apt-get', 'update', '-o', 'APT::Update::Error-Mode=any'), {
      progress: `package lists of Debian's ${this.suite}`,
    })
    if (result.exitCode !== 0) throw new Error(explainApt(result, directory))
    await writeFile(join(directory, 'fresh.new'), '')
    await rename(join(directory, 'fresh.new'), join(directory, 'fresh'))
  }

  #argv(program: string, ...words: readonly string[]): string[] {
    const directory = this.#directory
    const settings = {
      'Dir::State': directory,
      'Dir::State::status': join(directory, 'status'),
      'Dir::State::lists': join(directory, 'lists'),
      'Dir::Cache': join(directory, 'cache'),
      'Dir::Etc::SourceList': join(directory, 'sources.list'),
      'Dir::Etc::SourceParts': '/dev/null',
      'Dir::Etc::Preferences': '/dev/null',
      'Dir::Etc::PreferencesParts': '/dev/null',
      'APT::Architecture': this.architecture,
      'APT::Architectures': this.architecture,
      'Acquire::Languages': 'none',
      // As root apt would drop to a user that cannot write here, and warn.
      'APT::Sandbox::User': process.env.USER ?? 'root',
    }
    return [
      program,
      ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
      ...words,
    ]
  }
}

async function extractAll(from: string, root: string): Promise<void> {
  for (const file of (await readdir(from)).filter((name) => name.endsWith('.deb')).sort()) {
    await mustRun(['dpkg-deb', '--extract', join(from, file), root])
    await rm(join(from, file))
  }
}

/** Where this machine's own apt gets Debian from; else where Debian says that everybody can. */
async function mirrors(): Promise<{ debian: string; security: string }> {
  const argv = [
    'apt-get',
    'indextargets',
    '--format',
    '$(REPO_URI) $(RELEASE) $(ORIGIN)',
    'Identifier: Packages',
  ]
  const { stdout } = await run(argv)
  const rows = stdout.split('\n').map((line) => line.split(' '))
  const find = (release: RegExp) =>
    rows.find(([, name = '', origin]) => release.test(name) && origin === 'Debian')?.[0]
  return {
    debian: find(/^[a-z]+$/) ?? 'http://deb.debian.org/debian',
    security: find(/-security$/) ?? 'http://deb.debian.org/debian-security',
  }
}

/** A name for cache entries that hold what `value` describes. */
export function digest(value: string): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 12)
}
