/**
 * `npm run test:debian`: from nothing to a running stream by what the README says. The library comes from a registry that has this clone's
 * packages, onto a machine without a compiler; the driver's Debian packages onto a minimal Debian 12 where DKMS builds the module for two
 * kernels. Each kernel then boots with that machine's root, streams, upgrades and purges (`guest.sh`).
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { buildPackages } from '../build.ts'
import { cacheRoot, withLock } from '../cache.ts'
import { conclude } from '../conclude.ts'
import { add, type Counts } from '../counts.ts'
import type { Kernel } from '../linux-vm/kernels.ts'
import { runInVm } from '../linux-vm/run.ts'
import { Checks } from '../pack/checks.ts'
import { ROOT } from '../pages.ts'
import { buildPrebuilt } from '../prebuilt/build.ts'
import { targets } from '../prebuilt/targets.ts'
import { testProgram } from '../program.ts'
import { checkDoctor } from './doctor.ts'
import { checkBuild, checkInstall, checkNothingLeft, checkPurge, PROJECT, settle } from './install.ts'
import { checkLibrary } from './library.ts'
import { Machine, PACKAGES } from './machine.ts'
import { handOver } from './module.ts'
import type { Packages } from './package.ts'
import { typed } from './readme.ts'
import { machineKernels, machineRoot } from './roots.ts'
import { checkSigning } from './signing.ts'
import { checkUpgrade, keepOnly, NEXT, NEXT_PACKAGES } from './upgrade.ts'

/** `built`: the packages are. As root only; rejects with a sentence that says so, or why the roots or kernels cannot be had. */
export async function testDebian({ built = false } = {}): Promise<Counts> {
  if (!built) await buildPackages()
  await buildPrebuilt(targets.filter(({ name }) => name === 'linux-x64-gnu'))
  const kernels = await machineKernels()
  const base = await machineRoot(kernels)
  const directory = join(cacheRoot(), 'debian')
  return withLock(directory, async () => {
    await rm(directory, { recursive: true, force: true }) // of a run that was killed
    try {
      return await testAll(base, kernels, directory)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
}

async function testAll(base: string, kernels: readonly [Kernel, Kernel], directory: string): Promise<Counts> {
  const checks = new Checks()
  // What an upgrade runs takes less of an emulated processor on the older one.
  const [streams, upgrades] = kernels
  const built = await checkBuild(checks, directory)
  const project = built && (await checkLibrary(checks, directory))
  if (!project) return checks.counts
  const machine = await Machine.copy(base, join(directory, 'machine'))
  await settle(machine, project)
  const before = await machine.paths()
  const patient = await Machine.copy(machine.root, join(directory, 'patient'))
  if (!(await checkInstall(checks, machine, built.first, kernels))) return checks.counts
  await machine.take(NEXT_PACKAGES, [built.next.dkms, built.next.udev])
  const { version } = built.first
  const other = await Machine.copy(machine.root, join(directory, 'other'))
  const guest = await Machine.copy(machine.root, join(directory, streams.name))
  await keepOnly(streams, guest, version)
  const [counts] = await Promise.all([
    testGuest(guest, streams, [version]),
    checkSigning(checks, other, kernels)
      .then(() => checkUpgrade(checks, other, kernels))
      .then(() => checkPatient(checks, patient, built.first, streams)),
  ])
  // The other guest has no use for a copy.
  await keepOnly(upgrades, machine, version)
  await handOver(other, machine, upgrades, NEXT)
  const more = await testGuest(machine, upgrades, [version, NEXT, NEXT_PACKAGES])
  for (const [{ name }, left] of [
    [streams, guest],
    [upgrades, machine],
  ] as const)
    await checks.check(`${name}: nothing is left`, () => checkNothingLeft(left, before))
  await checkPurge(checks, other, before)
  return [counts, more].reduce(add, checks.counts)
}

async function checkPatient(
  checks: Checks,
  machine: Machine,
  { version, dkms, udev }: Packages,
  { release }: Kernel,
): Promise<void> {
  const packages = `${PACKAGES}/${version}`
  await machine.take(packages, [dkms, udev])
  await machine.run('apt-get', 'remove', '--yes', `linux-headers-${release}`)
  await checkDoctor(checks, machine, { project: PROJECT, packages, version, release })
}

/** Boots `kernel` with the machine's root, which it can write. */
async function testGuest(machine: Machine, kernel: Kernel, words: readonly string[]): Promise<Counts> {
  const lines = join(machine.root, PACKAGES, 'typed')
  await mkdir(lines)
  for (const name of ['load', 'join', 'doctor'] as const)
    await writeFile(join(lines, name), `${typed[name]}\n`)
  const run = async () => {
    const result = await runInVm({
      kernel: kernel.name,
      module: false,
      scratch: machine.root,
      cwd: ROOT,
      command: ['sh', 'testbed/debian/guest.sh', 'outside', ...words],
      onOutput: () => {},
    })
    return { ...result, aside: result.kernelLog }
  }
  return testProgram({ label: `debian ${kernel.name}`, judged: 'points', run })
}

if (import.meta.main) {
  new Command('npm run test:debian --')
    .description(
      'install the library and the driver as the README says, and use, upgrade and purge them on two kernels (as root)',
    )
    .allowExcessArguments(false)
    .parse()
  await conclude('test:debian', () => testDebian())
}
