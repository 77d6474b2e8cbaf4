/** The command as a process: what it says of a mistake, how it ends, and that it does so when it is interrupted or nobody reads. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const MAIN = path('../src/cli/main.ts')
const BIN = path('../bin/pendshare.js')
const { version } = JSON.parse(readFileSync(path('../package.json'), 'utf8'))

const SOURCES = '--conditions=@pendshare/source'

interface How {
  readonly program?: string
  readonly node?: string
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

function start(
  argv: readonly string[],
  { program = MAIN, node = process.execPath, flags = [], env }: How = {},
) {
  const child = spawn(node, [SOURCES, ...flags, program, ...argv], { env: { ...process.env, ...env } })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (piece: string) => {
      text[name] += piece
    })
  const end = once(child, 'close').then(([code]) => ({ code: code as number | null, ...text }))
  return { child, end }
}

const run = (argv: readonly string[], how?: How) => start(argv, how).end

it('has the version of its package', async () => {
  expect(await run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})

describe('a mistake in the command line', () => {
  it.each([
    [['frob'], "unknown command 'frob'"],
    [['doctor', '--frob'], "unknown option '--frob'"],
    [['doctor', '--bytes', '1KB'], 'want bytes, such as'],
    [['top', '--watch', '0'], 'want 0.1 to 86400'],
    [['revoke', '--grace', '-1'], 'want a whole number'],
    [['info', 'more'], 'too many arguments'],
    [[], 'Usage: pendshare'],
  ])('%j is told, with where to look, by exit code 64', async (argv, sentence) => {
    const { code, stdout, stderr } = await run(argv)
    expect(code).toBe(64)
    expect(stdout).toBe('')
    expect(stderr).toContain(sentence)
    expect(stderr).toContain('--help')
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  it('is told of a backend that there is not, by exit code 1', async () => {
    const { code, stderr } = await run(['info', '--backend', 'frob'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^pendshare: ERR_PENDSHARE_UNKNOWN_BACKEND: .*known: linux, windows, mock\n$/)
  })
})

describe('top without a device', () => {
  it.skipIf(existsSync('/dev/pendshare'))('leaves it to doctor what to do', async () => {
    const { code, stderr } = await run(['top'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^pendshare: ERR_PENDSHARE_NO_DRIVER: .*`pendshare doctor`\n$/)
  })

  it.skipIf(existsSync('/dev/pendshare'))('gives no advice of Linux on Windows', async () => {
    const windows = 'data:text/javascript,Object.defineProperty(process,"platform",{value:"win32"})'
    const { code, stderr } = await run(['top'], { flags: ['--import', windows] })
    expect(code).toBe(1)
    expect(stderr).toMatch(/this is win32; type `pendshare info`\n$/)
  })
})

describe('an interrupt', () => {
  it.each([[['doctor']], [['info']], [['revoke', '--grace', '5000']]])(
    '%j ends by exit code 130',
    async (argv) => {
      const { child, end } = start(argv, { flags: ['--import', path('stuck.mjs')] })
      child.stderr.once('data', () => child.kill('SIGINT'))
      expect(await end).toEqual({ code: 130, stdout: '', stderr: 'stuck\n' })
    },
  )
})

describe('nobody who reads', () => {
  it.each([[['info', '--backend', 'mock', '--json']], [['--help']]])('%j ends in silence', async (argv) => {
    const { child, end } = start(argv)
    child.stdout.destroy()
    expect(await end).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('does not change what doctor ends by', async () => {
    const told = await run(['doctor'])
    const { child, end } = start(['doctor'])
    child.stdout.destroy()
    expect(await end).toEqual({ code: told.code, stdout: '', stderr: '' })
  })
})

describe('--permission', () => {
  const allowed = (stdout: string) => {
    const { findings } = JSON.parse(stdout) as { findings: { name: string; fix?: string[] }[] }
    return findings.find(({ fix }) => fix?.some((line) => line.includes('--permission')))
  }

  it('is mended by the line that doctor prints', async () => {
    const flags = ['--permission', '--allow-fs-read=/proc/nothing', `--allow-fs-read=${path('../../../')}`]
    const { code, stdout } = await run(['doctor', '--json'], { flags })
    expect([1, 2]).toContain(code)
    const finding = allowed(stdout)
    expect(finding?.name).toBe('permission')
    const line = finding?.fix?.[0] ?? ''
    // Its exit code is the machine's.
    const { stdout: again } = spawnSync('sh', ['-c', line], { encoding: 'utf8' })
    expect(allowed(again)).toBeUndefined()
  })

  it('that lets it read nothing is told in a sentence', async () => {
    const { code, stderr } = await run(['doctor'], { program: BIN, flags: ['--permission'] })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^pendshare: .*add --allow-fs-read=\* and --allow-addons\n$/)
  })
})

describe('a Node that is too old', () => {
  const sentence =
    /^pendshare: this is Node\.js \d+\.\d+\.\d+, and it needs 22\.12 or newer; install .* `nvm install --lts`\n$/

  it('is told in a sentence', async () => {
    const { code, stdout, stderr } = await run(['doctor'], {
      program: BIN,
      flags: ['--import', path('old.mjs')],
    })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(sentence)
  })

  const system = '/usr/bin/node'
  const old =
    existsSync(system) && /^v(\d|1\d|20)\./.test(execFileSync(system, ['--version'], { encoding: 'utf8' }))
  it.skipIf(!old)(`is told by a real one${old ? '' : ' (there is none here)'}`, async () => {
    const { code, stderr } = await run(['doctor'], { program: BIN, node: system })
    expect(code).toBe(1)
    expect(stderr).toMatch(sentence)
  })
})
