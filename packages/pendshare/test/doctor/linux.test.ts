/** The findings of Linux up to a loaded driver. */
import { describe, expect, it } from 'vitest'
import { type Changes, diagnose, linuxMachine, NOT_INSTALLED, NOT_LOADED, RELEASE, unusable } from './fake.ts'

const NO_DRIVER = unusable('ERR_PENDSHARE_NO_DRIVER')
const build = `/lib/modules/${RELEASE}/build/Makefile`

function without({ files, ...changes }: Changes) {
  return diagnose(linuxMachine({ probe: NO_DRIVER, ...changes, files: { ...NOT_INSTALLED, ...files } }))
}

describe('kernel', () => {
  it('is missing when too old or for another processor', () => {
    for (const changes of [{ release: '5.15.0-91-generic' }, { arch: 'riscv64' }])
      expect(without(changes).of('kernel')?.state).toBe('missing')
  })
})

describe('headers', () => {
  it.each([
    ['ID=debian', 'sudo apt-get install -y linux-headers-$(uname -r)'],
    ['ID="linuxmint"\nID_LIKE="ubuntu debian"', 'sudo apt-get install -y linux-headers-$(uname -r)'],
    ['ID=fedora', 'sudo dnf install -y kernel-devel-$(uname -r)'],
    ['ID="almalinux"\nID_LIKE="rhel centos fedora"', 'sudo dnf install -y kernel-devel-$(uname -r)'],
    ['ID=arch', 'sudo pacman -S --noconfirm linux-headers'],
    ['ID="opensuse-leap"\nID_LIKE="suse opensuse"', 'sudo zypper install -y kernel-default-devel'],
  ])('of %j are installed by %s', (os, fix) => {
    const { of } = without({ files: { [build]: undefined, '/etc/os-release': os } })
    expect(of('headers')).toMatchObject({ state: 'missing', fix: [fix] })
  })

  it('have no line where the distribution is not known', () => {
    const { of } = without({ files: { [build]: undefined, '/etc/os-release': 'ID=ours' } })
    expect(of('headers')).not.toHaveProperty('fix')
  })

  it('are a note once the driver is there', () => {
    for (const files of [NOT_LOADED, {}]) {
      const { of } = diagnose(linuxMachine({ files: { ...files, [build]: undefined } }))
      expect(of('headers')?.state).toBe('note')
    }
  })
})

describe('driver', () => {
  it('is installed from packages on Debian, elsewhere from sources; root needs no sudo', () => {
    expect(without({}).of('driver')?.fix).toEqual([
      'sudo apt-get install -y ./pendshare-udev_0.1.0_all.deb ./pendshare-dkms_0.1.0_all.deb',
    ])
    expect(without({ files: { '/etc/os-release': 'ID=arch' }, uid: 0 }).of('driver')?.fix).toEqual([
      'make -C drivers/linux',
      'make -C drivers/linux install',
    ])
  })

  it('is built by DKMS for a kernel that came later', () => {
    const files = { '/var/lib/dkms/pendshare/0.1.0/source': '', '/var/lib/dkms/pendshare/kernel-6.1': '' }
    expect(without({ files }).of('driver')?.fix).toEqual([
      `sudo dkms install -m pendshare -v 0.1.0 -k ${RELEASE}`,
    ])
  })

  it('that is installed is loaded by modprobe', () => {
    const { of, named } = diagnose(linuxMachine({ files: NOT_LOADED, probe: NO_DRIVER }))
    expect(named('missing')).toEqual(['loaded'])
    expect(of('loaded')?.fix).toEqual(['sudo modprobe pendshare'])
  })

  it('of another ABI is loaded anew, and installed first unless that is done', () => {
    const probe = unusable('ERR_PENDSHARE_ABI_MISMATCH', 'the driver speaks ABI 9, this library 1')
    const reload = ['sudo modprobe -r pendshare', 'sudo modprobe pendshare']
    expect(diagnose(linuxMachine({ probe })).of('answer')).toMatchObject({ state: 'missing', fix: reload })
    const { of } = diagnose(linuxMachine({ probe, moduleField: () => '0.0.9' }))
    expect(of('answer')?.fix).toEqual([expect.stringContaining('apt-get install'), ...reload])
  })
})

describe('container and WSL', () => {
  it.each([
    [{ '/.dockerenv': '' }, 'docker run --device /dev/pendshare'],
    [{ '/run/.containerenv': '' }, 'podman run --device /dev/pendshare'],
    [{ '/run/systemd/container': 'systemd-nspawn\n' }, 'pass /dev/pendshare'],
    [{ '/proc/1/cgroup': '0::/kubepods/burstable/pod1' }, 'pass /dev/pendshare'],
  ])('%j leaves headers and loading to the host', (files, advice) => {
    const { of, named, findings } = without({ files: { ...files, [build]: undefined } })
    expect(of('container')).toMatchObject({ state: 'note', detail: expect.stringContaining(advice) })
    expect(of('headers')).toBeUndefined()
    expect(named('missing')).toEqual(['driver'])
    expect(findings.flatMap(({ fix = [] }) => fix)).toEqual([])
  })

  it('is ready in a container that has the device', () => {
    expect(diagnose(linuxMachine({ files: { '/.dockerenv': '' } })).exitCode).toBe(0)
  })

  it('asks for the device, the group and the limit when it starts', () => {
    const files = { '/.dockerenv': '', '/proc/self/limits': '' }
    const bare = diagnose(linuxMachine({ files, node_: 'none', probe: NO_DRIVER }))
    expect(bare.of('device')?.detail).toContain('--device /dev/pendshare')
    const foreign = diagnose(
      linuxMachine({ files, groups: [1000], probe: unusable('ERR_PENDSHARE_PERMISSION') }),
    )
    expect(foreign.of('group')?.detail).toContain('--group-add 990')
  })

  it('tells WSL 2 and 1 apart', () => {
    const files = { '/proc/version': 'Linux version 6.6 (Microsoft@Microsoft.com)', [build]: undefined }
    const two = without({ files, release: '6.6.87.2-microsoft-standard-WSL2' })
    expect(two.of('wsl')).toMatchObject({ state: 'note', detail: expect.stringContaining('.wslconfig') })
    expect(two.of('headers')).toBeUndefined()
    expect(without({ files, release: '4.4.0-19041-Microsoft' }).of('wsl')?.state).toBe('missing')
  })
})

describe('signature', () => {
  const variable = (name: string, guid: string) => `/sys/firmware/efi/efivars/${name}-${guid}`
  const SECURE_BOOT = {
    [variable('SecureBoot', '8be4df61-93ca-11d2-aa0d-00e098032b8c')]: Buffer.of(6, 0, 0, 0, 1),
  }
  const LOCKDOWN = '/sys/kernel/security/lockdown'
  const INTEGRITY = 'none [integrity] confidentiality'
  const SHIM = '605dab50-e046-4300-abb6-3dd810dd8b23'
  const certificate = Buffer.from('a certificate')
  const MOK = '/var/lib/dkms/mok.pub'
  const unloaded = (files: Changes['files'], changes: Changes = {}) =>
    diagnose(linuxMachine({ probe: NO_DRIVER, ...changes, files: { ...NOT_LOADED, ...files } })).of(
      'signature',
    )

  const REBUILD = ['build', 'install'].map(
    (action) => `sudo dkms ${action} --force -m pendshare -v 0.1.0 -k ${RELEASE}`,
  )

  it('is not asked for where Secure Boot is off, or shim validates nothing', () => {
    const off = { [Object.keys(SECURE_BOOT)[0] ?? '']: Buffer.of(6, 0, 0, 0, 0) }
    expect(unloaded(off)?.state).toBe('ready')
    const disabled = { ...SECURE_BOOT, [variable('MokSBStateRT', SHIM)]: Buffer.of(6, 0, 0, 0, 1) }
    expect(unloaded(disabled)?.state).toBe('ready')
  })

  it('was good enough where the driver is loaded', () => {
    expect(diagnose(linuxMachine({ files: SECURE_BOOT })).of('signature')?.state).toBe('ready')
  })

  it('wants a key made, enrolled at the next start, and the module signed by it, in this order', () => {
    const none = unloaded(SECURE_BOOT)
    expect(none).toMatchObject({ state: 'missing', fix: REBUILD })

    const made = { ...SECURE_BOOT, [MOK]: certificate }
    expect(unloaded(made)?.fix).toEqual([`sudo mokutil --import ${MOK}`, 'sudo reboot'])

    const waiting = { ...made, [variable('MokNew', SHIM)]: Buffer.from('x') }
    expect(unloaded(waiting)?.fix).toEqual(['sudo reboot'])

    const list = Buffer.concat([Buffer.alloc(48), certificate, Buffer.alloc(3)])
    const enrolled = { ...made, [variable('MokListRT', SHIM)]: list }
    expect(unloaded(enrolled)?.fix).toEqual(REBUILD)
    expect(unloaded(enrolled, { moduleField: () => 'DKMS key' })?.state).toBe('ready')
  })

  it('takes programs that may not be there yet', () => {
    const install = (name: string) => `sudo apt-get install -y ${name}`
    const lacking = { ...SECURE_BOOT, '/usr/bin/openssl': undefined, '/usr/bin/mokutil': undefined }
    expect(unloaded(lacking)?.fix).toEqual([install('openssl'), ...REBUILD])
    const fix = unloaded({ ...lacking, [MOK]: certificate })?.fix
    expect(fix).toEqual([install('mokutil'), `sudo mokutil --import ${MOK}`, 'sudo reboot'])
  })

  it('knows the key of Ubuntu, and that another one is enrolled', () => {
    const other = Buffer.from('the certificate of someone else')
    const files = {
      ...SECURE_BOOT,
      '/var/lib/shim-signed/mok/MOK.der': certificate,
      [variable('MokListRT', SHIM)]: other,
    }
    expect(unloaded(files)?.fix?.[0]).toBe('sudo mokutil --import /var/lib/shim-signed/mok/MOK.der')
  })

  it("looks at the firmware's variables first, where they are not mounted", () => {
    const fix = unloaded({ '/sys/firmware/efi/runtime': '0x1', [LOCKDOWN]: INTEGRITY })?.fix
    expect(fix).toEqual(['sudo mount -t efivarfs efivarfs /sys/firmware/efi/efivars'])
  })

  it.each([
    [LOCKDOWN, INTEGRITY, 'lockdown (integrity)'],
    ['/sys/module/module/parameters/sig_enforce', 'Y\n', 'module.sig_enforce'],
  ])('is asked for by %s too', (path, text, reason) => {
    const later = unloaded({ [path]: text })
    expect(later).toMatchObject({ state: 'missing', fix: ['sudo reboot'] })
    expect(later?.detail).toContain(reason)
    const asked = unloaded({ [path]: text, '/proc/cmdline': 'lockdown=integrity module.sig_enforce=1' })
    expect(asked?.detail).toContain("from the kernel's command line")
    expect(asked).not.toHaveProperty('fix')
  })
})
