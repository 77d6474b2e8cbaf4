/** The driver as it stands here but for the number of its ABI: what a program meets that was installed before or after it. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kernel } from './kernels.ts'
import { buildModules, drivers } from './module.ts'

const PARTS = ['include', 'common', 'linux']
const HEADER = 'include/pendshare/abi.h'
const NUMBER = /^(#define PENDSHARE_ABI_VERSION )(\d+)u$/m

/** Builds both; resolves with their paths as variables of the environment. */
export async function buildOtherAbis(kernel: Kernel): Promise<Record<string, string>> {
  return {
    PENDSHARE_OLDER_DRIVER: await buildOther(kernel, -1),
    PENDSHARE_NEWER_DRIVER: await buildOther(kernel, 1),
  }
}

async function buildOther(kernel: Kernel, step: number): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'pendshare-abi-'))
  try {
    for (const part of PARTS) await cp(join(drivers, part), join(copy, part), { recursive: true })
    const header = await readFile(join(copy, HEADER), 'utf8')
    if (!NUMBER.test(header)) throw new Error(`${HEADER} has no number that could be changed`)
    const other = header.replace(NUMBER, (_, define, abi) => `${define}${Number(abi) + step}u`)
    await writeFile(join(copy, HEADER), other)
    const [module] = await buildModules(kernel, copy, PARTS, 'linux')
    if (module === undefined) throw new Error('the build left no module')
    return module
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}
