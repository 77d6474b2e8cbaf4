import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
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
  await stub('dpkg-query', "echo 'present installed'; echo 'removed config-files'; exit 1")
  await stub('apt-get', 'exit 0')
})

afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await rm(stubs, { recursive: true })
})

it('asks apt for nothing when all is there', async () => {
  await ensurePackages(['present'])
  expect(await log()).not.toContain('apt-get')
})

it('installs as root what is missing, and says so', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(0)
  await ensurePackages(['present', 'removed', 'absent'])
  expect(await log()).toMatch(/^apt-get .*install -y --no-install-recommends removed absent$/m)
  expect(console.log).toHaveBeenCalledWith('installing Debian packages: removed absent')
})

it('goes through sudo where that asks for no password', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(1000)
  await stub('sudo', 'exit 0')
  await ensurePackages(['absent'])
  expect(await log()).toMatch(/^sudo -n env DEBIAN_FRONTEND=noninteractive apt-get .*install .*absent$/m)
})

it('refreshes the lists once when the install fails, and tries again', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(0)
  await stub('apt-get', `case "$*" in *update) touch "${stubs}/fresh" ;; esac; [ -e "${stubs}/fresh" ]`)
  await ensurePackages(['absent'])
  const words = (await log()).match(/(?<= )(update|install)(?= |$)/gm)
  expect(words).toEqual(['install', 'update', 'install'])
})

it('names the exact command when this user may not install', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(1000)
  await stub('sudo', 'exit 1')
  await expect(ensurePackages(['present', 'absent'])).rejects.toThrow(
    'missing Debian packages: absent; run: sudo apt-get install -y --no-install-recommends absent',
  )
})
