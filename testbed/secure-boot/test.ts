/**
 * `npm run test:secure-boot`: what `pendshare doctor` says of signatures is true, and is mended by typing it, on a PC whose firmware has
 * Secure Boot and which has the Debian packages installed; and on one whose kernel is locked down by its command line.
 */
import assert from 'node:assert/strict'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { buildAddon } from '../build.ts'
import { cacheRoot, withLock } from '../cache.ts'
import { conclude } from '../conclude.ts'
import { add, type Counts } from '../counts.ts'
import { Machine, PACKAGES } from '../debian/machine.ts'
import { handOver } from '../debian/module.ts'
import { buildDebian } from '../debian/package.ts'
import { machineKernels, machineRoot } from '../debian/roots.ts'
import { keepOnly } from '../debian/upgrade.ts'
import type { Kernel } from '../linux-vm/kernels.ts'
import { chooseAccelerator, type Loader, runMachine } from '../linux-vm/qemu.ts'
import { runInVm, type VmOptions } from '../linux-vm/run.ts'
import { Checks } from '../pack/checks.ts'
import { ROOT } from '../pages.ts'
import { testProgram } from '../program.ts'
import { type Firmware, secureBoot } from './firmware.ts'
import { disableValidation, enrol, type Person, personWho } from './mok-manager.ts'

/** As root only; rejects with a sentence that says so, or why the roots, the kernel or the firmware cannot be had. */
export async function testSecureBoot(): Promise<Counts> {
  await buildAddon()
  const [kernel, ...others] = await machineKernels()
  const base = await machineRoot([kernel, ...others])
  const directory = join(cacheRoot(), 'secure-boot')
  return withLock(directory, async () => {
    await rm(directory, { recursive: true, force: true }) // of a run that was killed
    try {
      return await testAll(kernel, base, directory)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
}

async function testAll(kernel: Kernel, base: string, directory: string): Promise<Counts> {
  const room = join(directory, 'firmware')
  await mkdir(room, { recursive: true })
  const firmware = await secureBoot(kernel, room)
  const machine = await Machine.copy(base, join(directory, 'machine'))
  await machine.take(`lib/modules/${kernel.release}/kernel/fs/efivarfs`, [firmware.efivarfs])
  await install(machine, kernel, join(directory, 'packages'))
  const other = await Machine.copy(machine.root, join(directory, 'other'))
  const [signed, lockedDown] = await Promise.all([
    testSigned(machine, kernel, firmware),
    testLockedDown(other, kernel),
  ])
  return add(signed, lockedDown)
}

/** One start after the other with the same firmware, which remembers what it was asked for. */
async function testSigned(machine: Machine, kernel: Kernel, { loader }: Firmware): Promise<Counts> {
  const checks = new Checks()
  const start = await testGuest(machine, kernel, 'start', { loader })
  await checks.check('the MOK manager enrols the key', () => manage(kernel, loader, personWho(enrol)))
  const enrolled = await testGuest(machine, kernel, 'enrolled', { loader })
  await checks.check('the MOK manager tells shim to validate nothing', () =>
    manage(kernel, loader, personWho(disableValidation)),
  )
  const unvalidated = await testGuest(machine, kernel, 'unvalidated', { loader })
  return [start, enrolled, unvalidated].reduce(add, checks.counts)
}

/** On a machine that has no such firmware. */
async function testLockedDown(machine: Machine, kernel: Kernel): Promise<Counts> {
  const lockedDown = await testGuest(machine, kernel, 'locked-down', { commandLine: 'lockdown=integrity' })
  return add(lockedDown, await testGuest(machine, kernel, 'free'))
}

/** DKMS builds the module here, and takes that one when it is to build it again. */
async function install(machine: Machine, kernel: Kernel, room: string): Promise<void> {
  const { version, dkms, udev } = await buildDebian(room)
  const files = await machine.take(`${PACKAGES}/${version}`, [dkms, udev])
  await machine.run('apt-get', 'install', '--yes', ...files)
  await keepOnly(kernel, machine, version)
  await handOver(machine, machine, kernel, version)
}

function testGuest(
  machine: Machine,
  kernel: Kernel,
  part: string,
  options: Partial<VmOptions> = {},
): Promise<Counts> {
  const run = async () => {
    const result = await runInVm({
      kernel: kernel.name,
      module: false,
      scratch: machine.root,
      cwd: ROOT,
      compilers: false,
      command: ['sh', 'testbed/secure-boot/guest.sh', 'outside', part],
      onOutput: () => {},
      ...options,
    })
    return { ...result, aside: result.kernelLog }
  }
  return testProgram({ label: `secure-boot ${part}`, judged: 'points', run })
}

/** One start that comes no further than to the MOK manager, which restarts the machine at its end. */
async function manage(kernel: Kernel, loader: Loader, person: Person): Promise<void> {
  const end = await runMachine({
    kernel,
    accelerator: await chooseAccelerator(kernel),
    ...{ smp: 1, memoryMiB: 512, shares: [], timeoutS: 300 },
    loader,
    onConsole: person.onConsole,
  })
  assert.equal(
    person.awaited(),
    undefined,
    `it waits for ${person.awaited()}; ${end.complaints}\n${end.console}`,
  )
}

if (import.meta.main) {
  new Command('npm run test:secure-boot --')
    .description(
      'what doctor says where the kernel wants signed modules, on a firmware with Secure Boot (as root)',
    )
    .allowExcessArguments(false)
    .parse()
  await conclude('test:secure-boot', testSecureBoot)
}
