/** The Linux driver's source by the kernel's own checkpatch --strict. (sparse takes part in every build of the module.) */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ensurePackages } from '../apt.ts'
import { run } from '../command.ts'
import { type Counts, nothing } from '../counts.ts'
import { obtainKernel } from './kernels.ts'
import { drivers } from './module.ts'

/** What does not hold outside the kernel's tree, or for the way in which all trace headers are written. */
const ignored = [
  'LINUX_VERSION_CODE',
  'CONSTANT_COMPARISON',
  'MACRO_ARG_UNUSED',
  'OPEN_ENDED_LINE',
  'PARENTHESIS_ALIGNMENT',
].join(',')

/** One test for each file of the driver, and of the examples that people copy. */
export async function checkStyle(): Promise<Counts> {
  await ensurePackages(['perl'])
  const { buildTree } = await obtainKernel('debug')
  const options = ['--no-tree', '--strict', '--terse', '--show-types', '--ignore', ignored, '--file']
  const files: string[] = []
  for (const part of ['linux', 'examples/linux', 'examples/card', 'examples/adc'])
    for (const file of (await readdir(join(drivers, part))).sort())
      if (/\.[ch]$/.test(file)) files.push(join(drivers, part, file))
  let failed = 0
  for (const file of files) {
    const argv = ['perl', join(buildTree, 'scripts/checkpatch.pl'), ...options, file]
    const { exitCode, output } = await run(argv, { cwd: buildTree }) // it may leave a file where it stands
    if (exitCode === 0) continue
    failed += 1
    console.log(output.trimEnd())
  }
  return { ...nothing, passed: files.length - failed, failed }
}
