/**
 * A PC's firmware with Secure Boot in QEMU, and the disk that it starts from: shim, GRUB and the kernel, each as Debian signs it. No
 * package of them is installed on this machine.
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ensurePackages } from '../apt.ts'
import { Archive, digest } from '../archive.ts'
import { cached } from '../cache.ts'
import { mustRun } from '../command.ts'
import type { Kernel } from '../linux-vm/kernels.ts'
import type { Loader } from '../linux-vm/qemu.ts'

const PACKAGES = ['ovmf', 'shim-signed', 'shim-helpers-amd64-signed', 'grub-efi-amd64-signed']

/** Where each of them lies on the disk; shim looks for its helpers beside itself, and GRUB is built to look in EFI/debian. */
const DISK = {
  'EFI/BOOT/BOOTX64.EFI': 'usr/lib/shim/shimx64.efi.signed',
  'EFI/BOOT/mmx64.efi': 'usr/lib/shim/mmx64.efi.signed',
  'EFI/BOOT/grubx64.efi': 'usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed',
}
const GRUB_CFG = 'EFI/debian/grub.cfg'

export interface Firmware {
  readonly loader: Loader
  /** The kernel's module of the file system that shows the variables. */
  readonly efivarfs: string
}

/**
 * The firmware keeps its variables in `directory`, which has to be there, from one start to the next. At first it knows Microsoft's
 * keys, which shim is signed with, and no other. One machine at a time.
 */
export async function secureBoot({ release }: Kernel, directory: string): Promise<Firmware> {
  const files = await unpacked(release)
  const variables = join(directory, 'variables.fd')
  const disk = join(directory, 'disk')
  await copyFile(join(files, 'usr/share/OVMF/OVMF_VARS_4M.ms.fd'), variables)
  for (const [path, from] of Object.entries({ ...DISK, vmlinuz: `boot/vmlinuz-${release}` })) {
    await mkdir(dirname(join(disk, path)), { recursive: true })
    await copyFile(join(files, from), join(disk, path))
  }
  await mkdir(join(disk, dirname(GRUB_CFG)))
  const loader: Loader = async (initramfs, commandLine) => {
    await copyFile(initramfs, join(disk, 'initrd'))
    await writeFile(join(disk, GRUB_CFG), `linux /vmlinuz ${commandLine}\ninitrd /initrd\nboot\n`)
    return [
      // Only code in system management mode can write the variables: else the kernel could enrol keys by itself.
      ...['-machine', 'q35,smm=on', '-global', 'driver=cfi.pflash01,property=secure,value=on'],
      ...drive('if=pflash,unit=0,readonly=on', join(files, 'usr/share/OVMF/OVMF_CODE_4M.secboot.fd')),
      ...drive('if=pflash,unit=1', variables),
      ...drive('if=none,id=disk,readonly=on', `fat:${disk}`),
      ...['-device', 'virtio-blk-pci,drive=disk'],
    ]
  }
  return { loader, efivarfs: join(files, efivarfsOf(release)) }
}

function drive(options: string, file: string): string[] {
  return ['-drive', `${options},format=raw,file=${file.replaceAll(',', ',,')}`]
}

function efivarfsOf(release: string): string {
  return `lib/modules/${release}/kernel/fs/efivarfs/efivarfs.ko`
}

async function unpacked(release: string): Promise<string> {
  const archive = await Archive.open('bookworm', 'amd64')
  const names = [...PACKAGES, `linux-image-${release}`]
  const versions = await Promise.all(names.map(async (name) => (await archive.show(name)).version))
  return cached(`secure-boot-${digest([...names, ...versions].join(' '))}`, async (into) => {
    await ensurePackages(['xz-utils'])
    await archive.unpack(names, into)
    await mustRun(['xz', '--decompress', join(into, `${efivarfsOf(release)}.xz`)])
  })
}
