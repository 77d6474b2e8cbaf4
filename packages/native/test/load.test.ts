import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PendshareError } from '@pendshare/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { addonLoader, addonPlatform, type LoadedAddon } from '../src/load.ts'

const ADDON = join(import.meta.dirname, '../../backend-linux/build/Release/pendshare_linux.node')
const unlessBuilt = existsSync(ADDON) ? '' : ' (the addon is not built: npm run build)'

/** A backend in a project, as npm lays it out. */
let home = ''
beforeEach(() => {
  home = join(mkdtempSync(join(tmpdir(), 'pendshare-')), 'node_modules/@pendshare/backend')
  mkdirSync(join(home, 'dist'), { recursive: true })
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(join(home, '../../..'), { recursive: true })
})

const builtPath = () => join(home, 'build/Release/some.node')
const prebuiltPath = (platform = addonPlatform()) => join(home, '..', platform, 'pendshare.node')

function put(path: string, content?: string): void {
  mkdirSync(dirname(path), { recursive: true })
  if (content === undefined) copyFileSync(ADDON, path)
  else writeFileSync(path, content)
}

function installPrebuilt(content?: string, platform = addonPlatform()): void {
  const path = prebuiltPath(platform)
  put(path, content)
  const manifest = { name: `@pendshare/${platform}`, main: 'pendshare.node' }
  writeFileSync(join(dirname(path), 'package.json'), JSON.stringify(manifest))
}

function loader(prebuilt: readonly string[] = [addonPlatform()]): () => LoadedAddon {
  const from = pathToFileURL(join(home, 'dist/addon.js')).href
  return addonLoader({ from, name: 'some', prebuilt, tools: 'install a compiler' })
}

function refusal(prebuilt?: readonly string[]): Pick<PendshareError, 'code' | 'message'> {
  try {
    loader(prebuilt)()
  } catch (error) {
    return error as PendshareError
  }
  throw new Error('it loads')
}

describe.skipIf(unlessBuilt !== '')(`an addon that loads${unlessBuilt}`, () => {
  it('comes from the prebuilt package', () => {
    installPrebuilt()
    const { addon, origin } = loader()()
    expect(origin).toEqual({ kind: 'prebuilt', path: prebuiltPath() })
    expect(addon.abi.PENDSHARE_ABI_VERSION).toBeGreaterThan(0)
  })

  it("is a build of one's own where there is one", () => {
    installPrebuilt('not looked at')
    put(builtPath())
    expect(loader()().origin).toEqual({ kind: 'built', path: builtPath() })
  })

  it.each([20, 64, 4096, -1])(
    'is not loaded truncated to %i bytes, which would kill the process',
    (bytes) => {
      installPrebuilt()
      const { size } = statSync(prebuiltPath())
      truncateSync(prebuiltPath(), bytes > 0 ? bytes : size + bytes)
      expect(refusal()).toMatchObject({
        code: 'ERR_PENDSHARE_ADDON',
        message: expect.stringContaining(`${prebuiltPath()} is truncated; install the packages anew`),
      })
    },
  )

  it('is loaded once', () => {
    installPrebuilt()
    const load = loader()
    expect(load()).toBe(load())
  })
})

describe('an addon that does not load', () => {
  // On another processor, as NODE_PATH may lead to the packages of the workspace.
  it('is told to be missing, with the package that has it', () => {
    vi.spyOn(process, 'arch', 'get').mockReturnValue('ppc64')
    const platform = addonPlatform()
    const { code, message } = refusal([platform])
    expect(code).toBe('ERR_PENDSHARE_ADDON')
    expect(platform).toContain('ppc64')
    expect(message).toContain(`@pendshare/${platform} is not installed`)
    expect(message).toContain('`npm install --include=optional`')
    expect(message).toContain(`\`npx cmake-js compile --directory "${home}"\``)
  })

  it('is told to be prebuilt for other platforms', () => {
    const { message } = refusal(['plan9-sparc'])
    expect(message).toMatch(
      /^there is no prebuilt addon for \S+; build it: install a compiler, then run `npm/,
    )
  })

  it('is told to be damaged, with its place', () => {
    installPrebuilt('no library')
    const { code, message } = refusal()
    expect(code).toBe('ERR_PENDSHARE_ADDON')
    expect(message).toContain(`the addon at ${prebuiltPath()} does not load (`)
    expect(message).toContain('install the packages anew')
  })

  it('is not called truncated for the header of another kind of ELF', () => {
    installPrebuilt(`\x7fELF\x01\x01${'\xff'.repeat(58)}`)
    expect(refusal().message).toContain('does not load (')
  })

  it("is told to be one's own, which is not replaced by the prebuilt one", () => {
    installPrebuilt()
    put(builtPath(), 'no library')
    expect(refusal().message).toMatch(/build\/Release\/some\.node does not load .*; build it: /)
  })

  it('is not taken from the package of another platform', () => {
    installPrebuilt(undefined, 'plan9-sparc')
    expect(refusal(['plan9-sparc']).message).toContain('there is no prebuilt addon for')
  })
})
