/** Debian packages that the testbed needs: checked through dpkg, installed through apt where this user may, named otherwise. */
import { CommandError, mustRun, run } from './command.ts'

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

/** Installs those of `names` that are not installed; needs root or sudo without a password, else throws MissingPackages. */
export async function ensurePackages(names: readonly string[]): Promise<void> {
  const missing = await missingPackages(names)
  if (missing.length === 0) return
  const prefix = await privilege()
  if (!prefix) throw new MissingPackages(missing)
  console.log(`installing Debian packages: ${missing.join(' ')}`)
  const install = [
    ...[...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...waitForLock],
    ...['install', '-y', '--no-install-recommends', ...missing],
  ]
  const first = await run(install, { progress: 'apt-get install' })
  if (first.exitCode === 0) return
  await updateLists()
  await mustRun(install, { progress: 'apt-get install' })
}

/** Refreshes apt's package lists; needs root or sudo without a password. */
export async function updateLists(): Promise<void> {
  const prefix = await privilege()
  if (!prefix) throw new Error("apt's package lists are missing or old; run: sudo apt-get update")
  console.log("refreshing apt's package lists")
  await mustRun([...prefix, 'apt-get', ...waitForLock, 'update'], { progress: 'apt-get update' })
}

/** Downloads packages, without installing them, into `directory`; refreshes the lists once when a package has moved on. */
export async function downloadPackages(names: readonly string[], directory: string): Promise<void> {
  console.log(`downloading Debian packages: ${names.join(' ')}`)
  // As root apt would drop to a user that cannot write there, and warn.
  const argv = ['apt-get', '-o', `APT::Sandbox::User=${process.env.USER ?? 'root'}`, 'download', ...names]
  const first = await run(argv, { cwd: directory, progress: 'apt-get download' })
  if (first.exitCode === 0) return
  await updateLists().catch(() => {
    throw new CommandError(argv, first)
  })
  await mustRun(argv, { cwd: directory, progress: 'apt-get download' })
}

const waitForLock = ['-o', 'DPkg::Lock::Timeout=900']

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
