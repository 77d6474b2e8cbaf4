/** Debian packages that the testbed needs: checked through dpkg, installed through apt where this user may, named otherwise. */
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cacheRoot, withLock } from './cache.ts'
import { type CommandResult, mustRun, run } from './command.ts'
import type { DebianPackage } from './packages.ts'

export const LISTS_LAST_MS = 24 * 3600 * 1000

/** Thrown when packages are missing and this user cannot install them; the message says what to run. */
export class MissingPackages extends Error {
  readonly packages: readonly string[]

  constructor(packages: readonly string[]) {
    super(
      `missing Debian packages: ${packages.join(' ')}; run: sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`,
    )
    this.name = 'MissingPackages'
    this.packages = packages
  }
}

/**
 * Installs those of `names` that are not installed; needs root or sudo without a password, else throws MissingPackages. One at a
 * time, as stages run side by side: what two of them miss is fetched once.
 */
export function ensurePackages(names: readonly DebianPackage[]): Promise<void> {
  return withLock('apt', () => installMissing(names))
}

async function installMissing(names: readonly DebianPackage[]): Promise<void> {
  const missing = await missingPackages(names)
  if (missing.length === 0) return
  const prefix = await privilege()
  if (!prefix) throw new MissingPackages(missing)
  if (await listsAreOld()) await updateLists(prefix)
  console.log(`installing Debian packages: ${missing.join(' ')}`)
  const install = [
    ...[...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...waitForLock],
    ...['install', '-y', '--no-install-recommends', ...missing],
  ]
  const first = await run(install, { progress: 'apt-get install' })
  if (first.exitCode === 0) return
  await updateLists(prefix)
  const second = await run(install, { progress: 'apt-get install' })
  if (second.exitCode !== 0) throw new Error(explainApt(second, 'Debian packages'))
}

/** True also where there are none. Lists that apt found unchanged keep their times, so ours stands beside them. */
async function listsAreOld(): Promise<boolean> {
  const { stdout } = await mustRun(['apt-config', 'shell', 'lists', 'Dir::State::lists/d'])
  const directory = /^lists='(.*)'$/m.exec(stdout)?.[1] ?? '/var/lib/apt/lists'
  const names = await readdir(directory).catch(() => [])
  const lists = names.filter((name) => /_(?:In)?Release$/.test(name)).map((name) => join(directory, name))
  if (lists.length === 0) return true
  const times = [stamp(), ...lists].map((path) =>
    stat(path).then(
      ({ ctimeMs }) => ctimeMs,
      () => 0,
    ),
  )
  return Date.now() - Math.max(...(await Promise.all(times))) > LISTS_LAST_MS
}

const stamp = () => join(cacheRoot(), 'apt-lists')

async function updateLists(prefix: readonly string[]): Promise<void> {
  console.log("refreshing apt's package lists")
  const update = () => run([...prefix, 'apt-get', 'update'], { progress: 'apt-get update' })
  const deadline = Date.now() + LOCK_TIMEOUT_S * 1000
  let result = await update()
  // Apt waits for dpkg's locks when it is told to, but never for the one of its lists.
  while (result.exitCode !== 0 && LOCKED.test(result.output) && Date.now() < deadline) {
    await sleep(1000)
    result = await update()
  }
  if (result.exitCode !== 0) throw new Error(explainApt(result, "apt's package lists"))
  await mkdir(cacheRoot(), { recursive: true })
  await writeFile(stamp(), '')
}

/** What apt could not do, in one sentence with what to do about it; its own last words below. */
export function explainApt(result: CommandResult, directory: string): string {
  const said = result.output.trimEnd().split('\n').slice(-6).join('\n')
  const cure = cures.find(([pattern]) => pattern.test(result.output))?.[1]
  return `${cure?.(directory) ?? 'apt failed; what it says stands below'}\n${said}`
}

const LOCKED = /Could not get lock|is held by process/i
const LOCK_TIMEOUT_S = 900
const waitForLock = ['-o', `DPkg::Lock::Timeout=${LOCK_TIMEOUT_S}`]

const cures: readonly (readonly [RegExp, (directory: string) => string])[] = [
  [
    /No space left|enough free space/i,
    (directory) =>
      `no space is left for ${directory}; make room there, or set XDG_CACHE_HOME to a larger disk`,
  ],
  [
    /Could not (resolve|connect)|Temporary failure|Network is unreachable|Connection (refused|timed out|failed)/i,
    () =>
      "Debian's archive does not answer; check the network and apt's sources and proxy, then run this again",
  ],
  [LOCKED, () => 'another process holds the lock of apt; let it finish, then run this again'],
  [
    /NO_PUBKEY|not signed/i,
    () => "the archive's signature cannot be checked; run: sudo apt-get install debian-archive-keyring",
  ],
]

async function missingPackages(names: readonly string[]): Promise<string[]> {
  const { stdout } = await run([
    'dpkg-query',
    '--show',
    '--showformat=$' + '{Package} $' + '{db:Status-Status}\\n',
    ...names,
  ])
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  )
  return names.filter((name) => !installed.has(name))
}

/** The words to put before a command so that it runs as root, or undefined when this user may not. */
async function privilege(): Promise<readonly string[] | undefined> {
  if (process.getuid?.() === 0) return []
  const sudo = await run(['sudo', '-n', 'true']).catch(() => undefined)
  return sudo?.exitCode === 0 ? ['sudo', '-n'] : undefined
}
