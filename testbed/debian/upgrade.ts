/** The packages of a version after this one, on a machine that has this one's. */
import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kernel } from '../linux-vm/kernels.ts'
import type { Checks } from '../pack/checks.ts'
import { type Machine, PACKAGES } from './machine.ts'
import { nextVersion } from './source.ts'

/** The same sources by another number. */
export const NEXT = await nextVersion()

/** Where a machine has its packages. */
export const NEXT_PACKAGES = `${PACKAGES}/${NEXT}`

/** By an administrator who has no module loaded. */
export async function checkUpgrade(
  checks: Checks,
  machine: Machine,
  kernels: readonly Kernel[],
): Promise<void> {
  await checks.check('apt-get upgrades both', async () => {
    const files = ['dkms', 'udev'].map((name) => `${NEXT_PACKAGES}/pendshare-${name}_${NEXT}_all.deb`)
    await machine.run('apt-get', 'install', '--yes', ...files)
  })
  for (const { name, release } of kernels)
    await checks.check(`${name}: DKMS has the new version, and no other`, async () => {
      // An upgrade builds for the newest kernel and the one that runs, which none of these does.
      await machine.run('dkms', 'install', '-m', 'pendshare', '-v', NEXT, '-k', release)
      const { stdout } = await machine.run('dkms', 'status', '-m', 'pendshare', '-k', release)
      assert.equal(stdout.trim(), `pendshare/${NEXT}, ${release}, x86_64: installed`)
      assert.equal(await machine.modinfo(release, 'version'), NEXT)
    })
}

/** Takes the module from all other kernels: DKMS's shell has a kernel's work to do once more for each. */
export async function keepOnly({ release }: Kernel, guest: Machine, version: string): Promise<void> {
  for (const other of await readdir(join(guest.root, 'lib/modules')))
    if (other !== release) {
      await guest.run('dkms', 'remove', '-m', 'pendshare', '-v', version, '-k', other)
      await rm(join(guest.root, `boot/config-${other}`), { force: true })
    }
}
