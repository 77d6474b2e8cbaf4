/** Without a driver: each obstacle has its own code, and says what to do. */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { linux } from '../src/index.ts'
import { built, unlessBuilt } from './built.ts'

const run = promisify(execFile)
const here = fileURLToPath(new URL('..', import.meta.url))
const sink = (): void => {}

function open(path: string, wakeup?: string) {
  return linux.open({ path, wakeup }, sink)
}

/** Opens `path` in a Node of its own, with the package at `directory`; resolves with the code of the refusal. */
async function refusal(directory: string, path: string, ...flags: string[]): Promise<string> {
  const program = `
    import { linux } from ${JSON.stringify(join(directory, 'src/index.ts'))}
    await linux.open({ path: ${JSON.stringify(path)} }, () => {}).catch((error) => console.log(error.code, error.message))`
  const argv = ['--conditions=@pendshare/source', ...flags, '--input-type=module', '-e', program]
  // pnpm's would lead from a copy of the package to those of the workspace.
  const { NODE_PATH: _, ...env } = process.env
  return (await run(process.execPath, argv, { cwd: here, env })).stdout
}

afterEach(() => {
  vi.unstubAllEnvs()
})

// A busy machine takes its time to start a process.
describe('the Linux backend without a driver', { timeout: 60_000 }, () => {
  it.skipIf(existsSync('/dev/pendshare'))('tells probe() that there is none, and the cure', async () => {
    const probe = await linux.probe()
    expect(probe).toMatchObject({ usable: false, code: 'ERR_PENDSHARE_NO_DRIVER' })
    expect(probe).toMatchObject({ remedy: expect.stringContaining('modprobe pendshare') })
  })

  it('rejects open() of a device that is not there', async () => {
    await expect(open('/dev/nowhere')).rejects.toMatchObject({ code: 'ERR_PENDSHARE_NO_DRIVER' })
  })

  it('rejects a wakeup that it does not know, given or in the environment', async () => {
    await expect(open('/dev/nowhere', 'bell')).rejects.toMatchObject({
      code: 'ERR_PENDSHARE_INVALID_ARGUMENT',
    })
    vi.stubEnv('PENDSHARE_WAKEUP', 'bell')
    await expect(open('/dev/nowhere')).rejects.toMatchObject({ code: 'ERR_PENDSHARE_INVALID_ARGUMENT' })
    await expect(open('/dev/nowhere', 'poll')).rejects.toMatchObject({ code: 'ERR_PENDSHARE_NO_DRIVER' })
  })

  describe.skipIf(!built)(`with the addon${unlessBuilt}`, () => {
    it('rejects a device that is another', async () => {
      await expect(open('/dev/null')).rejects.toMatchObject({
        code: 'ERR_PENDSHARE_NO_DRIVER',
        message: expect.stringContaining('not a pendshare device'),
        cause: { name: 'ENOTTY', number: 25 },
      })
    })

    // sysfs refuses to open for writing what nobody may write, also to root.
    it('says who may open a device that this user may not', async () => {
      await expect(open('/sys/kernel/uevent_seqnum')).rejects.toMatchObject({
        code: 'ERR_PENDSHARE_PERMISSION',
        message: expect.stringContaining('usermod -aG pendshare'),
        cause: { name: 'EACCES', number: 13 },
      })
    })

    it('keeps the errno of anything else', async () => {
      await expect(open('/tmp')).rejects.toMatchObject({
        code: 'ERR_PENDSHARE_SYSTEM',
        cause: { name: 'EISDIR', number: 21 },
      })
    })

    it('says that --permission forbids the addon', async () => {
      const told = await refusal(here, '/dev/null', '--permission', '--allow-fs-read=*')
      expect(told).toMatch(/^ERR_PENDSHARE_ADDON_FORBIDDEN .*--allow-addons/)
    })
  })

  describe('without an addon that loads', () => {
    const copies: string[] = []

    function copy(): string {
      const directory = mkdtempSync(join(tmpdir(), 'pendshare-'))
      copies.push(directory)
      cpSync(join(here, 'src'), join(directory, 'src'), { recursive: true })
      cpSync(join(here, 'package.json'), join(directory, 'package.json'))
      // Without the prebuilt addons, which may have been built.
      mkdirSync(join(directory, 'node_modules/@pendshare'), { recursive: true })
      for (const name of ['core', 'native'])
        symlinkSync(join(here, '..', name), join(directory, 'node_modules/@pendshare', name))
      return directory
    }

    afterEach(() => {
      for (const directory of copies.splice(0)) rmSync(directory, { recursive: true })
    })

    it('says how to build it', async () => {
      expect(await refusal(copy(), '/dev/null')).toMatch(/^ERR_PENDSHARE_ADDON .*cmake-js compile/)
    })

    it('says why it does not load', async () => {
      const directory = copy()
      mkdirSync(join(directory, 'build/Release'), { recursive: true })
      writeFileSync(join(directory, 'build/Release/pendshare_linux.node'), 'no library')
      expect(await refusal(directory, '/dev/null')).toMatch(/^ERR_PENDSHARE_ADDON .*does not load/)
    })

    it('says that the driver is missing where both are', async () => {
      expect(await refusal(copy(), '/dev/nowhere')).toMatch(/^ERR_PENDSHARE_NO_DRIVER /)
    })
  })
})
