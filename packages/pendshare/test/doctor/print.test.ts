import { expect, it } from 'vitest'
import { report } from '../../src/cli/doctor/print.ts'
import { diagnose, linuxMachine, NOT_INSTALLED, unusable } from './fake.ts'

it('shows what to type below its finding, and in one line what follows from it', () => {
  const probe = unusable('ERR_PENDSHARE_NO_DRIVER')
  const { findings, exitCode } = diagnose(linuxMachine({ probe, files: NOT_INSTALLED }))
  expect(report(findings, exitCode).split('\n')).toEqual([
    'ready    node        Node.js 24.1.0',
    'ready    binary      prebuilt: /opt/pendshare.node',
    'ready    kernel      Linux 6.12.9-test, x64',
    'ready    headers     /lib/modules/6.12.9-test/build is there',
    'missing  driver      not installed for 6.12.9-test; type this where the packages of this release lie',
    '         $ sudo apt-get install -y ./pendshare-udev_0.1.0_all.deb ./pendshare-dkms_0.1.0_all.deb',
    "         not looked at, since 'driver' comes first: signature, loaded, device, group, answer",
    'ready    memlock     8 MiB, for 1 MiB',
    'note     huge pages  transparent: always; reserved and free: 4',
    "note     mock        to develop without a driver: open({ backend: 'mock' })",
    'pendshare doctor: not ready (driver); do what stands there from top to bottom, then run it again',
  ])
})

it('says what it cannot tell, and that all is well', () => {
  const unclear = diagnose(linuxMachine({ probe: unusable('ERR_PENDSHARE_SYSTEM') }))
  expect(report(unclear.findings, unclear.exitCode)).toMatch(/\npendshare doctor: cannot tell \(answer\)$/)
  const well = diagnose(linuxMachine())
  expect(report(well.findings, well.exitCode)).toMatch(/\npendshare doctor: this machine is ready$/)
})
