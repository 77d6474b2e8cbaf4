/**
 * Finds a backend's native addon when it is first needed, not at import: a build of one's own, else the prebuilt package that npm
 * has installed for this platform.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AddonOrigin, PendshareError } from '@pendshare/core'
import type { Addon } from './addon.ts'

export interface AddonPlace {
  /** `import.meta.url` of a module right below the backend's src/ or dist/. */
  readonly from: string
  /** Name of the file in build/Release, without its `.node`. */
  readonly name: string
  /** The platforms that have a package `@pendshare/<platform>` with the addon in it, as `addonPlatform()` names them. */
  readonly prebuilt: readonly string[]
  /** What is needed to compile it, as an imperative without its end: "install cmake and …". */
  readonly tools: string
}

export interface LoadedAddon {
  readonly addon: Addon
  readonly origin: AddonOrigin
}

/** A function that loads the addon, once. It throws `ERR_PENDSHARE_ADDON`, `ERR_PENDSHARE_ADDON_FORBIDDEN`. */
export function addonLoader(place: AddonPlace): () => LoadedAddon {
  let loaded: LoadedAddon | undefined
  return () => {
    loaded ??= loadFirst(place)
    return loaded
  }
}

/** What this process needs a binary for: `linux-x64-gnu`, `linux-arm64-musl`, `win32-x64`. */
export function addonPlatform(): string {
  const { platform, arch } = process
  if (platform !== 'linux') return `${platform}-${arch}`
  return `${platform}-${arch}-${usesGlibc() ? 'gnu' : 'musl'}`
}

/** By Node's report, which names the version of glibc where it runs on that. A library for it would have to be CommonJS in ESM bundles. */
function usesGlibc(): boolean {
  const report: NodeJS.ProcessReport & { excludeNetwork?: boolean } = process.report
  const { excludeNetwork = false } = report
  report.excludeNetwork = true // naming the interfaces can wait for a name server
  try {
    const { header } = report.getReport() as { readonly header: { readonly glibcVersionRuntime?: string } }
    return header.glibcVersionRuntime !== undefined
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}

function loadFirst(place: AddonPlace): LoadedAddon {
  const built = `../build/Release/${place.name}.node`
  const own = load(place, built, 'built', () => howToBuild(place))
  if (own) return own
  const platform = addonPlatform()
  if (!place.prebuilt.includes(platform))
    throw addonError(`there is no prebuilt addon for ${platform}; ${howToBuild(place)}`)
  const name = `@pendshare/${platform}`
  const anew = 'install the packages anew with `npm ci`'
  const prebuilt = load(place, name, 'prebuilt', () => `${anew}; or ${howToBuild(place)}`)
  if (prebuilt) return prebuilt
  throw addonError(
    `the package ${name} is not installed, which has the addon for this platform; get it with \`npm install --include=optional\`; ` +
      `or ${howToBuild(place)}`,
  )
}

/** `undefined`: there is none. */
function load(
  { from }: AddonPlace,
  request: string,
  kind: AddonOrigin['kind'],
  cure: () => string,
): LoadedAddon | undefined {
  const require = createRequire(from)
  let path: string
  try {
    path = require.resolve(request)
  } catch {
    return undefined
  }
  if (isTruncated(path)) throw addonError(`the addon at ${path} is truncated; ${cure()}`)
  try {
    return { addon: require(path), origin: Object.freeze({ kind, path }) }
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_DLOPEN_DISABLED') {
      throw new PendshareError(
        'ERR_PENDSHARE_ADDON_FORBIDDEN',
        'Node runs with --permission and may not load the native addon; add --allow-addons',
        { cause },
      )
    }
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw addonError(`the addon at ${path} does not load (${detail}); ${cure()}`, cause)
  }
}

/** Of 64 bits, the least significant byte first, as is every processor that the drivers are for. */
const ELF64 = '\x7fELF\x02\x01'

/**
 * Whether such a file lacks its end, where its section headers are: the loader maps what is not there, and the process dies of SIGBUS.
 * https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html. What is none or cannot be read, loading tells better.
 */
function isTruncated(path: string): boolean {
  const header = Buffer.alloc(64)
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const { size } = fstatSync(file)
    if (
      readSync(file, header, 0, header.length, 0) < ELF64.length ||
      header.toString('latin1', 0, 6) !== ELF64
    )
      return false
    const sections = header.readUInt16LE(0x3a) * header.readUInt16LE(0x3c)
    return size < header.length || BigInt(size) < header.readBigUInt64LE(0x28) + BigInt(sections)
  } catch {
    return false
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** `npm run test:pack` runs what stands in backticks. Majors, as a later one may not fit cc/, and is outside of its peer range. */
function howToBuild({ from, tools }: AddonPlace): string {
  const install = 'npm install --no-save cmake-js@8 node-addon-api@8'
  // No slash at its end: Windows takes a backslash before a quote for part of the name.
  const home = dirname(dirname(fileURLToPath(from)))
  return `build it: ${tools}, then run \`${install}\` and \`npx cmake-js compile --directory "${home}"\``
}

function addonError(message: string, cause?: unknown): PendshareError {
  return new PendshareError('ERR_PENDSHARE_ADDON', message, cause === undefined ? {} : { cause })
}
