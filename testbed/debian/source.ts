/** The tree that becomes the Debian source package: what the module is made of, and debian/ at its top. */
import { chmod, cp, lutimes, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { ROOT } from '../pages.ts'

export interface SourceOptions {
  /** Instead of the driver's own: what an upgrade is tested with. */
  readonly version?: string
}

const drivers = join(ROOT, 'drivers')

/** Programs of the test beds, and what builds leave behind. */
const NOT_PACKAGED =
  /^linux\/(debian|test|peer-test)\b|\.(o|ko|cmd|mod|mod\.c)$|(^|\/)(Module\.symvers|modules\.order)$/

/** As MODULE_VERSION has it: the place that the Makefile and DKMS take it from. */
export async function driverVersion(): Promise<string> {
  const version = /^MODULE_VERSION\("(.*)"\);$/m.exec(await read('linux/main.c'))?.[1]
  if (!version) throw new Error('drivers/linux/main.c has no MODULE_VERSION')
  return version
}

/** A version after it that there is not yet, for upgrades. */
export async function nextVersion(): Promise<string> {
  return (await driverVersion()).replace(/\d+$/, (patch) => String(Number(patch) + 1))
}

/** The newest entry of debian/changelog. */
export async function changelogVersion(): Promise<string> {
  const version = /^pendshare \((\S+)\)/.exec(await read('linux/debian/changelog'))?.[1]
  if (!version) throw new Error('the first line of drivers/linux/debian/changelog names no version')
  return version
}

/** Fills `directory`. The same sources give the same tree, modes and times included. */
export async function writeSourceTree(directory: string, { version }: SourceOptions = {}): Promise<void> {
  for (const part of ['linux', 'common', 'include'])
    await cp(join(drivers, part), join(directory, part), {
      recursive: true,
      filter: (path) => !NOT_PACKAGED.test(relative(drivers, path)),
    })
  await cp(join(drivers, 'linux/debian'), join(directory, 'debian'), { recursive: true })
  await mkdir(join(directory, 'LICENSES'))
  await cp(join(ROOT, 'LICENSE'), join(directory, 'LICENSES/MIT'))
  if (version !== undefined) await pretend(directory, version)
  else await checkVersions()
  await settle(directory)
}

async function checkVersions(): Promise<void> {
  const [driver, changelog] = [await driverVersion(), await changelogVersion()]
  if (driver !== changelog)
    throw new Error(
      `the driver is ${driver}, but drivers/linux/debian/changelog ends at ${changelog}: add an entry`,
    )
}

/** Makes of the tree a version that there is none of. */
async function pretend(directory: string, version: string): Promise<void> {
  const edit = async (path: string, change: (text: string) => string) =>
    writeFile(join(directory, path), change(await readFile(join(directory, path), 'utf8')))
  await edit('linux/main.c', (text) => text.replace(/^MODULE_VERSION\(.*$/m, `MODULE_VERSION("${version}");`))
  const number = version.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  await edit('include/pendshare/abi.h', (text) =>
    text.replace(/(?<=PENDSHARE_DRIVER_VERSION )\w+/, `0x${number.toString(16).padStart(6, '0')}u`),
  )
  await edit('debian/changelog', (text) => text.replace(/^pendshare \(\S+\)/, `pendshare (${version})`))
}

/** Modes as git has them and the time of the changelog, whatever the umask and the time of the checkout. */
async function settle(directory: string): Promise<void> {
  const date = new Date(/^ -- .*> {2}(.*)$/m.exec(await read('linux/debian/changelog'))?.[1] ?? 0)
  const names = await readdir(directory, { recursive: true })
  for (const path of [...names, ''].map((name) => join(directory, name))) {
    const status = await stat(path)
    const runs = status.isDirectory() || basename(path) === 'rules' || path.endsWith('.sh')
    await chmod(path, runs ? 0o755 : 0o644)
    await lutimes(path, date, date)
  }
}

function read(path: string): Promise<string> {
  return readFile(join(drivers, path), 'utf8')
}
