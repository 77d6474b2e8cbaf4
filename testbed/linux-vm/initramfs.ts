/** The guest's first file system: a static busybox, `guest-init` and the modules that lead to 9p, as a cpio archive. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ensurePackages } from '../apt.ts'
import { cached } from '../cache.ts'
import type { Kernel } from './kernels.ts'
import { userlandFor } from './userland.ts'

const guestInit = join(import.meta.dirname, 'guest-init')

/** The path of the archive for `kernel`. */
export async function initramfs(kernel: Kernel): Promise<string> {
  const init = await readFile(guestInit)
  const hash = createHash('sha256').update(init).digest('hex').slice(0, 12)
  const directory = await cached(`initramfs-${kernel.id}-${hash}`, async (into) => {
    await ensurePackages(['cpio'])
    const { busybox } = await userlandFor(kernel.architecture)
    const root = join(into, 'root')
    await mkdir(join(root, 'bin'), { recursive: true })
    await mkdir(join(root, 'modules'))
    await copyFile(busybox, join(root, 'bin/busybox'))
    await copyFile(guestInit, join(root, 'init'))
    await chmod(join(root, 'init'), 0o755)
    for (const module of kernel.bootModules) await copyFile(module, join(root, 'modules', basename(module)))
    await archive(root, join(into, 'initramfs.cpio'))
    await rm(root, { recursive: true })
  })
  return join(directory, 'initramfs.cpio')
}

/** Packs `root` as the kernel reads it: newc format, owned by root, every directory before what it holds. */
async function archive(root: string, target: string): Promise<void> {
  const names = (await readdir(root, { recursive: true })).sort()
  const cpio = spawn('cpio', ['--create', '--format=newc', '--owner=0:0', '--quiet'], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exit = Promise.withResolvers<number | null>()
  cpio.on('error', exit.reject).on('close', exit.resolve)
  cpio.stdin.end(`${names.join('\n')}\n`)
  await pipeline(cpio.stdout, createWriteStream(target))
  if ((await exit.promise) !== 0) throw new Error('cpio failed to write the initramfs')
}
