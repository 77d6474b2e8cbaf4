/** Saves an emulated processor from compiling, which takes it minutes. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kernel } from '../linux-vm/kernels.ts'
import { type Machine, PACKAGES } from './machine.ts'

/**
 * Gives `guest` the module that DKMS has built in `builder`, and tells its DKMS, by the file that is read over dkms.conf, to build
 * `version` by taking it.
 */
export async function handOver(
  builder: Machine,
  guest: Machine,
  { release }: Kernel,
  version: string,
): Promise<void> {
  const path = await builder.modinfo(release, 'filename')
  const [module = ''] = await guest.take(`${PACKAGES}/${release}`, [join(builder.root, path)])
  const settings = [`MAKE[0]="cp ${module} linux/pendshare.ko"`, 'CLEAN="true"', '']
  await writeFile(join(guest.root, `etc/dkms/pendshare-${version}.conf`), settings.join('\n'))
}
