import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ensurePackages } from '../apt.ts'

let stubs = ''

/** A program of this name, first in PATH: appends its arguments to the log, then does `body`. */
async function stub(name: string, body: string): Promise<void> {
  const path = join(stubs, name)
  await writeFile(path, `#!/bin/sh\necho "${name} $*" >>"${stubs}/log"\n${body}\n`)
  await chmod(path, 0o755)
}

async function log(): Promise<string> {
  return readFile(join(stubs, 'log'), 'utf8')
}

beforeEach(async () => {
  stubs = await mkdtemp(join(tmpdir(), 'pendshare-apt-'))
  vi.stubEnv('PATH', `${stubs}${delimiter}${process.env.PATH}`)
  vi.spyOn(console, 'log').mockImplementation(() => {})
  await stub('dpkg-query', "echo 'make installed'; echo 'perl config-files'; exit 1")
  await stub('apt-get', 'exit 0')
  await stub('apt-config', `echo "lists='${stubs}/lists/'"`)
  vi.stubEnv('XDG_CACHE_HOME', join(stubs, 'cache'))
  await mkdir(join(stubs, 'lists'))
  await writeFile(join(stubs, 'lists/debian_InRelease'), '')
})

afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await rm(stubs, { recursive: true })
})

it('asks apt for nothing when all is there', async () => {
  await ensurePackages(['make'])
  expect(await log()).not.toContain('apt-get')
})

it('installs as root what is missing, and says so', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(0)
  await ensurePackages(['make', 'perl', 'cmake'])
  expect(await log()).toMatch(/^apt-get .*install -y --no-install-recommends perl cmake$/m)
  expect(console.log).toHaveBeenCalledWith('installing Debian packages: perl cmake')
})

it('goes through sudo where that asks for no password', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(1000)
  await stub('sudo', 'exit 0')
  await ensurePackages(['cmake'])
  expect(await log()).toMatch(/^sudo -n env DEBIAN_FRONTEND=noninteractive apt-get .*install .*cmake$/m)
})

async function aptWords(): Promise<string[]> {
  return (await log()).match(/(?<= )(update|install)(?= |$)/gm) ?? []
}

it('refreshes lists that are missing before it installs', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(0)
  await rm(join(stubs, 'lists'), { recursive: true })
  await ensurePackages(['cmake'])
  expect(await aptWords()).toEqual(['update', 'install'])
})

it('refreshes lists that are older than a day, and then not for another one', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(0)
  const day = 24 * 3600 * 1000
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + day - 60_000)
  await ensurePackages(['cmake'])
  expect(await aptWords()).toEqual(['install'])
  vi.mocked(Date.now).mockReturnValue(Date.now() + 120_000)
  await ensurePackages(['cmake'])
  expect(await aptWords()).toEqual(['install', 'update', 'install'])
  // The stub leaves the lists as they are, as apt does when nothing is new.
  vi.mocked(Date.now).mockRestore()
  await ensurePackages(['cmake'])
  expect((await aptWords()).slice(3)).toEqual(['install'])
})

it.each([
  ['E: You do not have enough free space in /var/cache/apt/archives/.', /no space is left/],
  ["Temporary failure resolving 'mirror'", /does not answer; check the network/],
  ['E: Could not get lock /var/lib/dpkg/lock-frontend', /another process holds the lock of apt/],
])('says what to do when apt says %s', async (words, cure) => {
  vi.spyOn(process, 'getuid').mockReturnValue(0)
  await stub('apt-get', `case "$*" in *install*) echo "${words}"; exit 100 ;; esac`)
  await expect(ensurePackages(['cmake'])).rejects.toThrow(cure)
})

it('refreshes the lists once when the install fails, and tries again', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(0)
  await stub('apt-get', `case "$*" in *update) touch "${stubs}/fresh" ;; esac; [ -e "${stubs}/fresh" ]`)
  await ensurePackages(['cmake'])
  expect(await aptWords()).toEqual(['install', 'update', 'install'])
})

it('waits for another process that refreshes the lists', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(0)
  await rm(join(stubs, 'lists'), { recursive: true })
  await stub(
    'apt-get',
    `case "$*" in *update) [ -e "${stubs}/once" ] || { touch "${stubs}/once"; echo 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 262 (apt-get)'; exit 100; } ;; esac`,
  )
  await ensurePackages(['cmake'])
  expect(await aptWords()).toEqual(['update', 'update', 'install'])
})

it('installs once what two ask for at the same time', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(0)
  await stub('dpkg-query', `[ -e "${stubs}/done" ] && echo 'cmake installed'`)
  await stub('apt-get', `touch "${stubs}/done"`)
  await Promise.all([ensurePackages(['cmake']), ensurePackages(['cmake'])])
  expect(await aptWords()).toEqual(['install'])
})

it('names the exact command when this user may not install', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(1000)
  await stub('sudo', 'exit 1')
  await expect(ensurePackages(['make', 'cmake'])).rejects.toThrow(
    'missing Debian packages: cmake; run: sudo apt-get install -y --no-install-recommends cmake',
  )
})
