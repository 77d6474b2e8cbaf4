import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mustRun } from '../../command.ts'
import { followFile, readFindings, writeJob } from '../job.ts'

let directory = ''

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pendshare-job-'))
})

afterEach(() => rm(directory, { recursive: true }))

describe('writeJob', () => {
  it('hands over words and variables untouched by any shell', async () => {
    await writeJob(directory, {
      command: [
        'sh',
        '-c',
        'printf "%s|" "$ODD" "$@"; pwd',
        'sh',
        "it's",
        '$HOME',
        'two words',
        'two\nlines',
      ],
      cwd: '/usr',
      env: { ODD: `"'\\$(id)` },
      path: ['/usr/bin'],
      binds: [],
      modules: [],
      moduleOptions: '',
      unprivileged: false,
      timeoutS: 1,
    })
    const { stdout } = await mustRun(['sh', join(directory, 'command')])
    expect(stdout).toBe(`"'\\$(id)|it's|$HOME|two words|two\nlines|/usr\n`)
  })

  it('copies the modules and names them in their order', async () => {
    const module = join(directory, 'given.ko')
    await writeFile(module, 'text')
    await writeJob(directory, {
      command: ['true'],
      cwd: '/',
      env: {},
      path: ['/usr/bin'],
      binds: [{ from: '/one', at: '/two' }],
      modules: [module],
      moduleOptions: 'a=1 b=2',
      unprivileged: true,
      timeoutS: 7,
    })
    const { stdout } = await mustRun([
      'sh',
      '-c',
      `. ${directory}/settings; echo "$time_limit/$modules/$module_options/$binds"; cat ${directory}/modules/given.ko`,
    ])
    expect(stdout).toBe('7/given.ko/a=1 b=2//one:/two\ntext')
  })
})

describe('readFindings', () => {
  it('is content with a guest that came to its end', async () => {
    await writeFile(join(directory, 'exit-code'), '3\n')
    await writeFile(join(directory, 'results'), 'done\n')
    expect(await readFindings(directory)).toEqual({ exitCode: 3, problems: [] })
  })

  it('reports what the guest found', async () => {
    await writeFile(join(directory, 'exit-code'), '0\n')
    await writeFile(join(directory, 'results'), 'module pendshare cannot be unloaded: busy\ndone\n')
    const { problems } = await readFindings(directory)
    expect(problems).toEqual(['module pendshare cannot be unloaded: busy'])
  })

  it('takes silence for a failure', async () => {
    const { exitCode, problems } = await readFindings(directory)
    expect(exitCode).toBeUndefined()
    expect(problems).toHaveLength(2)
  })
})

describe('followFile', () => {
  it('hands on all of a growing file, characters whole', async () => {
    const path = join(directory, 'output')
    await writeFile(path, 'first ')
    const pieces: string[] = []
    const arrived = Promise.withResolvers<void>()
    const follower = followFile(path, (text) => {
      pieces.push(text)
      arrived.resolve()
    })
    await arrived.promise
    const euro = Buffer.from('€')
    await appendFile(path, euro.subarray(0, 1))
    await appendFile(path, euro.subarray(1))
    expect(await follower.stop()).toBe('first €')
    expect(pieces.join('')).toBe('first €')
  })
})
