/** Every place where the version of this project stands, read and written in one way. A release has one version: MAJOR.MINOR.PATCH. */
import { existsSync } from 'node:fs'
import { glob, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Versions of drivers are bytes in a 0xMMmmpp and numbers in a file version, so there is none for what comes before a release. */
const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/
const LARGEST_PART = 255

/** A line of a file that is not a manifest. */
interface Place {
  readonly file: string
  /** Its only group is the version as it is written there. */
  readonly pattern: RegExp
  readonly written: (version: string) => string
}

const DEBIAN_CHANGELOG = 'drivers/linux/debian/changelog'

const plain = (version: string) => version

const PLACES: readonly Place[] = [
  { file: 'drivers/linux/main.c', pattern: /^MODULE_VERSION\("([^"]*)"\);$/m, written: plain },
  {
    file: 'drivers/include/pendshare/abi.h',
    pattern: /^#define PENDSHARE_DRIVER_VERSION (\S+) /m,
    written: packed,
  },
  {
    // What stampinf writes into DriverVer of the INF, which has four parts.
    file: 'drivers/windows/pendshare.vcxproj',
    pattern: /<TimeStamp>([^<]*)<\/TimeStamp>/,
    written: (version) => `${version}.0`,
  },
  {
    // Of the newest entry, without Debian's own revision.
    file: DEBIAN_CHANGELOG,
    pattern: /^[a-z\d][\w.+-]* \((?:\d+:)?([^)-]*)(?:-[^)-]*)?\) /,
    written: plain,
  },
]

/** Of 0.1.2: 0x000102. */
export function packed(version: string): string {
  const parts = version.split('.').map(Number)
  return `0x${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}u`
}

export interface Manifest {
  /** From the root of the tree. */
  readonly file: string
  readonly name: string
  readonly version: string
}

/** The packages that are published, in the order of their files. */
export async function manifestsIn(root: string): Promise<Manifest[]> {
  const files: string[] = []
  for await (const file of glob('packages/{*,prebuilt/*}/package.json', { cwd: root })) files.push(file)
  return Promise.all(
    files.sort().map(async (file) => {
      const { name, version } = JSON.parse(await readFile(join(root, file), 'utf8'))
      return { file, name: String(name), version: String(version) }
    }),
  )
}

/** That of the package `pendshare`, which is what all others are held to. */
export async function versionOf(root: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'packages/pendshare/package.json'), 'utf8'))
  return String(version)
}

/** What does not carry `version`, or is no version; empty when all is well. */
export async function versionProblems(root: string, version: string): Promise<string[]> {
  const parts = VERSION.exec(version)?.slice(1).map(Number)
  if (!parts) return [`packages/pendshare/package.json: '${version}' is not MAJOR.MINOR.PATCH`]
  if (parts.some((part) => part > LARGEST_PART))
    return [`packages/pendshare/package.json: a part of ${version} is over ${LARGEST_PART}`]
  const manifests = (await manifestsIn(root))
    .filter((manifest) => manifest.version !== version)
    .map((manifest) => `${manifest.file}: version is ${manifest.version}, not ${version}`)
  const places = await Promise.all(PLACES.map((place) => placeProblem(root, place, version)))
  return [...manifests, ...places.flatMap((problem) => problem ?? [])]
}

async function placeProblem(root: string, place: Place, version: string): Promise<string | undefined> {
  const { file, pattern, written } = place
  if (!existsSync(join(root, file))) return `${file}: there is no such file`
  const found = pattern.exec(await readFile(join(root, file), 'utf8'))?.[1]
  if (found === undefined) return `${file}: no version where one is expected: ${pattern}`
  return found === written(version) ? undefined : `${file}: version is ${found}, not ${written(version)}`
}

/** Writes the version wherever it stands outside of the manifests, which changesets writes. `date`: of a new entry for Debian. */
export async function stamp(root: string, version: string, date: Date): Promise<void> {
  for (const { file, pattern, written } of PLACES) {
    const path = join(root, file)
    if (!existsSync(path)) continue // versionProblems() tells of those that have to be there
    const text = await readFile(path, 'utf8')
    const match = pattern.exec(text)
    if (match?.[1] === undefined) throw new Error(`${file}: no version where one is expected: ${pattern}`)
    if (match[1] === written(version)) continue
    const line = match[0].replace(match[1], written(version))
    const next =
      file === DEBIAN_CHANGELOG ? debianEntry(text, line, date) + text : text.replace(match[0], line)
    await writeFile(path, next)
  }
}

/** A new entry at the head, by whom the newest one is. `begin`: its first line up to the distribution. */
function debianEntry(text: string, begin: string, date: Date): string {
  const [, rest] = /^\S+ \([^)]*\) (.*)$/m.exec(text) ?? []
  const [, maintainer] = /^ -- (.*?) {2}/m.exec(text) ?? []
  if (rest === undefined || maintainer === undefined)
    throw new Error(`${DEBIAN_CHANGELOG}: its newest entry has no distribution or no maintainer`)
  const when = date.toUTCString().replace('GMT', '+0000')
  return `${begin}${rest}\n\n  * New release.\n\n -- ${maintainer}  ${when}\n\n`
}
