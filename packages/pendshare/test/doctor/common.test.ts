/** The findings that every system has, exit codes, and what follows from what is missing. */
import { PendshareError } from '@pendshare/core'
import { describe, expect, it } from 'vitest'
import { atLeast } from '../../src/cli/doctor/common.ts'
import { diagnose, linuxMachine, NOT_LOADED, unusable, windowsMachine } from './fake.ts'

const NO_DRIVER = unusable('ERR_PENDSHARE_NO_DRIVER')

describe('a machine on which all is well', () => {
  for (const [system, machine] of [
    ['linux', linuxMachine()],
    ['windows', windowsMachine()],
  ] as const) {
    it(`is ready on ${system}, with nothing to type and no word of the mock`, () => {
      const { findings, exitCode, of } = diagnose(machine)
      expect(exitCode).toBe(0)
      expect(findings.flatMap(({ fix = [] }) => fix)).toEqual([])
      expect(of('mock')).toBeUndefined()
      expect(of('answer')).toMatchObject({ state: 'ready', detail: '/dev/pendshare speaks ABI 1' })
    })
  }
})

describe('node', () => {
  it('is missing when older than the package wants', () => {
    const { of, exitCode } = diagnose(linuxMachine({ node: '22.11.0' }))
    expect(of('node')).toMatchObject({ state: 'missing', fix: ['nvm install --lts'] })
    expect(exitCode).toBe(1)
  })

  it('compares numbers, not text, and no suffix', () => {
    expect(atLeast('22.12', '22.12')).toBe(true)
    expect(atLeast('22.9.0', '22.12')).toBe(false)
    expect(atLeast('100.0', '22.12')).toBe(true)
    expect(atLeast('6.1.0-57-amd64', '6.1')).toBe(true)
    expect(atLeast('6', '6.1')).toBe(false)
    expect(atLeast('5.15.0', '6.1')).toBe(false)
  })
})

describe('binary', () => {
  const failing = (error: Error) => ({
    loadAddon: () => {
      throw error
    },
    probe: NO_DRIVER,
  })

  it('types what the message of the addon has in backticks, the first way only', () => {
    const message =
      'the package is not installed; get it with `npm install --include=optional`; or build it: then run `npm i x` and `npx y`'
    const machine = linuxMachine(failing(new PendshareError('ERR_PENDSHARE_ADDON', message)))
    expect(diagnose(machine).of('binary')).toMatchObject({
      state: 'missing',
      detail: message,
      fix: ['npm install --include=optional'],
    })
    const built = new PendshareError('ERR_PENDSHARE_ADDON', 'build it: run `npm i x` and `npx y "z"`')
    expect(diagnose(linuxMachine(failing(built))).of('binary')?.fix).toEqual(['npm i x', 'npx y "z"'])
  })

  it('is run anew with --allow-addons where Node forbids it', () => {
    const error = new PendshareError('ERR_PENDSHARE_ADDON_FORBIDDEN', 'add --allow-addons')
    const { of, exitCode } = diagnose(
      linuxMachine({
        ...failing(error),
        permission: { addons: false, read: true },
        commandLine: ['/opt/node', ['--permission', '--allow-fs-read=*'], "/o'pt/pendshare.js", 'doctor'],
      }),
    )
    expect(of('binary')?.fix).toEqual([
      "/opt/node --permission '--allow-fs-read=*' --allow-addons '/o'\\''pt/pendshare.js' doctor",
    ])
    expect(exitCode).toBe(1)
  })

  it('lets any other error through', () => {
    expect(() => diagnose(linuxMachine(failing(new Error('ours'))))).toThrow('ours')
  })
})

describe('the answer of the device', () => {
  it('is not waited for while something before it is missing, which says so once', () => {
    const { of, named } = diagnose(linuxMachine({ files: NOT_LOADED, probe: NO_DRIVER }))
    expect(named('missing')).toEqual(['loaded'])
    for (const name of ['device', 'group', 'answer'])
      expect(of(name)).toEqual({
        name,
        state: 'note',
        detail: "not looked at, since 'loaded' comes first",
        since: 'loaded',
      })
  })

  it.each(['ERR_PENDSHARE_NO_DRIVER', 'ERR_PENDSHARE_PERMISSION'])(
    'is final where the rest looks well: %s',
    (code) => {
      const { of, exitCode } = diagnose(linuxMachine({ probe: unusable(code, 'nothing', 'try `this`') }))
      expect(of('answer')).toMatchObject({ state: 'missing', detail: 'nothing; try `this`', fix: ['this'] })
      expect(exitCode).toBe(1)
    },
  )

  it('leaves it open when the system failed in a way of its own', () => {
    const { of, exitCode } = diagnose(linuxMachine({ probe: unusable('ERR_PENDSHARE_SYSTEM') }))
    expect(of('answer')?.state).toBe('unknown')
    expect(exitCode).toBe(2)
  })
})

describe('what cannot be read', () => {
  const files = { '/proc/cmdline': new Error('EACCES'), '/etc/group': new Error('EACCES') }

  it('cannot be told, unless the device answers, which proves it', () => {
    const denied = { '/sys/module/module/parameters/sig_enforce': new Error('EACCES') }
    const closed = diagnose(linuxMachine({ files: { ...denied, ...NOT_LOADED }, probe: undefined }))
    expect(closed.of('signature')).toMatchObject({
      state: 'unknown',
      detail: 'cannot read /sys/module/module/parameters/sig_enforce: EACCES',
    })
    expect(diagnose(linuxMachine({ files })).exitCode).toBe(0)
  })

  it('is run anew with the right to read where Node forbids it, which is said once', () => {
    const denied = { '/proc/self/status': new Error('ERR_ACCESS_DENIED') }
    const permission = { addons: false, read: false }
    const { of, named, exitCode } = diagnose(linuxMachine({ files: denied, permission, probe: undefined }))
    expect(of('permission')?.fix).toEqual([
      "/opt/node '--allow-fs-read=*' --allow-addons /opt/pendshare.js doctor",
    ])
    expect(of('memlock')).toMatchObject({ state: 'note', since: 'permission' })
    expect(named('unknown')).toEqual(['permission', 'answer'])
    expect(exitCode).toBe(2)
    expect(diagnose(linuxMachine({ permission })).exitCode).toBe(0)
  })
})

it('tells the mock where there is no driver, and says so of a system that has none', () => {
  expect(diagnose(linuxMachine({ probe: NO_DRIVER })).of('mock')?.state).toBe('note')
  const { findings, exitCode } = diagnose(linuxMachine({ platform: 'darwin', probe: undefined }))
  expect(findings.map(({ name }) => name)).toEqual(['node', 'system', 'mock'])
  expect(exitCode).toBe(1)
})
