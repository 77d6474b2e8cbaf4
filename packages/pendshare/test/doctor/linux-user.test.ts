/** The findings of Linux about a user: the device node, the group, the memory that may be locked. */
import { describe, expect, it } from 'vitest'
import { type Changes, diagnose, limits, linuxMachine, unusable } from './fake.ts'

const NO_DRIVER = unusable('ERR_PENDSHARE_NO_DRIVER')
const FORBIDDEN = unusable('ERR_PENDSHARE_PERMISSION')

describe('device', () => {
  const mknod = 'sudo mknod -m 0660 /dev/pendshare c 10 125'

  it('is made where it is not', () => {
    const { of, named } = diagnose(linuxMachine({ node_: 'none', probe: NO_DRIVER }))
    expect(named('missing')).toEqual(['device'])
    expect(of('device')?.fix).toEqual([mknod])
  })

  it('cannot be told where the kernel has no number for it', () => {
    const machine = linuxMachine({ node_: 'none', probe: NO_DRIVER, files: { '/proc/misc': '229 fuse\n' } })
    expect(diagnose(machine).of('device')?.state).toBe('unknown')
  })

  it.each([{ minor: 7 }, { major: 1 }, { characterDevice: false }])(
    'is made anew where it is not the driver: %j',
    (node_) => {
      const { of } = diagnose(linuxMachine({ node_, probe: NO_DRIVER }))
      expect(of('device')?.fix).toEqual(['sudo rm /dev/pendshare', mknod])
    },
  )
})

describe('group', () => {
  const refused = (changes: Changes) => diagnose(linuxMachine({ probe: FORBIDDEN, ...changes }))

  it('takes in whoever is not in it', () => {
    const { of, named } = refused({ user: 'eve', groups: [1000] })
    expect(named('missing')).toEqual(['group'])
    expect(of('group')?.fix).toEqual(['sudo usermod -aG pendshare eve'])
  })

  it('is entered by whoever logged in before', () => {
    expect(refused({ groups: [1000] }).of('group')?.fix).toEqual(['newgrp pendshare'])
  })

  it('is given the device where the udev rule is not installed', () => {
    const rule = 'KERNEL=="pendshare", SUBSYSTEM=="misc", GROUP="pendshare", MODE="0660"'
    const lines = [
      `echo '${rule}' | sudo tee /etc/udev/rules.d/70-pendshare.rules`,
      'sudo chgrp pendshare /dev/pendshare',
      'sudo chmod 0660 /dev/pendshare',
    ]
    expect(refused({ node_: { gid: 0 } }).of('group')?.fix).toEqual(lines)
    expect(refused({ node_: { mode: 0o20600 } }).of('group')?.fix).toEqual(lines)
    expect(refused({ node_: { gid: 0 }, files: { '/etc/group': 'root:x:0:\n' } }).of('group')?.fix).toEqual([
      'sudo groupadd --system pendshare',
      ...lines,
    ])
  })

  it('does not matter to root, nor where everyone may open it', () => {
    expect(refused({ uid: 0, groups: [0] }).of('group')?.state).toBe('ready')
    expect(refused({ node_: { mode: 0o20666 }, groups: [1000] }).of('group')?.state).toBe('ready')
  })
})

describe('memlock', () => {
  const of = (changes: Changes) => diagnose(linuxMachine(changes)).of('memlock')
  const tight = { '/proc/self/limits': limits(65_536) }

  it('is ready up to the limit, and not one byte above', () => {
    expect(of({ bytes: 8 << 20 })?.state).toBe('ready')
    expect(of({ bytes: (8 << 20) + 1 })?.state).toBe('missing')
    expect(of({ bytes: 8 << 20, pinnedBytes: 4096 })?.detail).toContain('4 KiB are lent already')
    expect(of({ files: { '/proc/self/limits': limits('unlimited') }, bytes: 2 ** 40 })?.state).toBe('ready')
  })

  it('has no limit with CAP_IPC_LOCK', () => {
    const files = { ...tight, '/proc/self/status': 'CapEff:\t0000000000004000\n' }
    expect(of({ files, bytes: 2 ** 40 })?.state).toBe('ready')
  })

  it('is raised in the shell up to the hard limit', () => {
    const files = { '/proc/self/limits': limits(65_536, 1 << 20) }
    expect(of({ files, bytes: 100_000 })?.fix).toEqual(['ulimit -l 98'])
  })

  it('is raised for the user above that', () => {
    expect(of({ files: tight, pinnedBytes: 1 << 20 })?.fix).toEqual([
      "echo 'ada - memlock 2048' | sudo tee /etc/security/limits.d/pendshare.conf",
    ])
  })

  it('is raised for the systemd service that it runs in', () => {
    const files = { ...tight, '/proc/self/cgroup': '0::/system.slice/daq@1.service' }
    expect(of({ files, env: { INVOCATION_ID: 'x' } })?.fix).toEqual([
      'sudo mkdir -p /etc/systemd/system/daq@1.service.d',
      "printf '[Service]\\nLimitMEMLOCK=1048576\\n' | sudo tee /etc/systemd/system/daq@1.service.d/pendshare.conf",
      'sudo systemctl daemon-reload',
      'sudo systemctl restart daq@1.service',
    ])
    expect(of({ files })?.fix?.[0]).toContain('limits.d')
  })

  it('is raised for the container that it runs in', () => {
    const result = of({ files: { ...tight, '/.dockerenv': '' } })
    expect(result?.detail).toContain('--ulimit memlock=1048576')
    expect(result).not.toHaveProperty('fix')
  })

  it('cannot be told where the limit cannot be read', () => {
    const { exitCode } = diagnose(linuxMachine({ files: { '/proc/self/limits': undefined } }))
    expect(exitCode).toBe(2)
  })
})

describe('huge pages', () => {
  it('are never what makes a machine not ready', () => {
    const files = { '/sys/kernel/mm/transparent_hugepage/enabled': 'always [madvise] never' }
    const { of, exitCode } = diagnose(linuxMachine({ files }))
    expect(of('huge pages')).toMatchObject({
      state: 'note',
      fix: ['echo always | sudo tee /sys/kernel/mm/transparent_hugepage/enabled'],
    })
    expect(exitCode).toBe(0)
  })
})
