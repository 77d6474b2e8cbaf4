/** The findings of Windows; none of them speaks of Linux, nor the other way round. */
import { describe, expect, it } from 'vitest'
import { diagnose, linuxMachine, NOT_INSTALLED, unusable, windowsMachine } from './fake.ts'

const NO_DRIVER = unusable('ERR_PENDSHARE_NO_DRIVER')
const STORE = 'D:\\Win\\System32\\DriverStore\\FileRepository\\pendshare.inf_amd64_1\\pendshare.sys'

describe('on Windows', () => {
  it('installs what is not there, and says how tests sign', () => {
    const { of, named } = diagnose(windowsMachine({ probe: NO_DRIVER }))
    expect(of('driver')).toMatchObject({
      state: 'missing',
      fix: ['pnputil /add-driver pendshare.inf /install'],
    })
    expect(of('signature')).toMatchObject({ state: 'note', fix: ['bcdedit /set testsigning on'] })
    expect(named('missing')).toEqual(['driver'])
  })

  it.each([STORE, 'D:\\Win\\System32\\drivers\\Pendshare.sys'])('starts what is installed: %s', (path) => {
    const { of, named } = diagnose(windowsMachine({ files: { [path]: '' }, probe: NO_DRIVER }))
    expect(named('missing')).toEqual(['service'])
    expect(of('service')?.fix).toEqual(['sc.exe start pendshare'])
  })

  it('asks for an administrator who may open it', () => {
    const probe = unusable('ERR_PENDSHARE_PERMISSION', 'this user may not', 'run as an administrator')
    const { of, named } = diagnose(windowsMachine({ probe }))
    expect(named('missing')).toEqual(['access'])
    expect(of('access')).toMatchObject({
      detail: 'this user may not; run as an administrator',
      fix: ['Start-Process powershell -Verb RunAs'],
    })
  })

  it('replaces a driver of another ABI', () => {
    const { of } = diagnose(windowsMachine({ probe: unusable('ERR_PENDSHARE_ABI_MISMATCH') }))
    expect(of('answer')?.fix).toEqual([
      'pnputil /add-driver pendshare.inf /install',
      'sc.exe stop pendshare',
      'sc.exe start pendshare',
    ])
  })

  it('refuses what the driver is not for', () => {
    expect(diagnose(windowsMachine({ release: '6.1.7601' })).of('system')?.state).toBe('missing')
    expect(diagnose(windowsMachine({ arch: 'ia32' })).of('system')?.state).toBe('missing')
  })
})

it('each system shows its own lines only', () => {
  const text = (machine: Parameters<typeof diagnose>[0]) => JSON.stringify(diagnose(machine).findings)
  expect(text(windowsMachine({ probe: NO_DRIVER }))).not.toMatch(/sudo|modprobe|memlock|\/dev\/|dkms/i)
  expect(text(linuxMachine({ probe: NO_DRIVER, files: NOT_INSTALLED }))).not.toMatch(
    /pnputil|sc\.exe|bcdedit|windows/i,
  )
})
