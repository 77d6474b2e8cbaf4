/** The two machines of the Debian packages: one that builds them, and one that they are installed on. Both minimal Debian 12. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { digest } from '../archive.ts'
import { cached } from '../cache.ts'
import { mustRun } from '../command.ts'
import { type Kernel, obtainKernel } from '../linux-vm/kernels.ts'
import { debianRoot } from '../root.ts'

const BUILD = ['build-essential', 'debhelper', 'dh-dkms', 'lintian', 'shellcheck']

/** systemd for its tools: what loads modules at boot, and what makes groups. */
const MACHINE = ['dkms', 'sudo', 'libc6-dev', 'systemd', 'udev', 'openssl', 'mokutil']

export function buildRoot(): Promise<string> {
  return debianRoot('debian-build', 'bookworm', BUILD)
}

/** The kernels of the second. */
export async function machineKernels(): Promise<readonly [Kernel, Kernel]> {
  return [await obtainKernel('6.12'), await obtainKernel('6.1')]
}

/**
 * With the headers of `kernels`. Of the kernels' own modules only their directories are left: depmod would read them all, for a
 * minute on an emulated processor.
 */
export async function machineRoot(kernels: readonly Kernel[]): Promise<string> {
  const releases = kernels.map(({ release }) => release).sort()
  const packages = [...MACHINE, ...releases.map((release) => `linux-headers-${release}`)]
  return cached(`root-debian-machine-${digest(packages.join(' '))}`, async (root) => {
    const whole = await debianRoot('debian-machine', 'bookworm', packages)
    await mustRun(['cp', '--archive', '--reflink=auto', `${whole}/.`, root])
    for (const release of await readdir(join(root, 'lib/modules')))
      for (const part of ['kernel', 'modules.dep', 'modules.order'])
        await rm(join(root, 'lib/modules', release, part), { recursive: true, force: true })
    for (const image of await readdir(join(root, 'boot')))
      if (/^(vmlinuz|initrd)/.test(image)) await rm(join(root, 'boot', image))
  })
}
