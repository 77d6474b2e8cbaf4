/** The demo on a real kernel: builds the addon, boots the VM with the driver in it, runs the demo there. */

import { join } from 'node:path'
import { buildAddon } from '../../testbed/build.ts'
import { obtainKernel, specify } from '../../testbed/linux-vm/kernels.ts'
import { exitCodeOf, report, runInVm } from '../../testbed/linux-vm/run.ts'

/** Resolves to the exit code. `program`: path of the demo's own main module. */
export async function demoInVm(kernel: string, program: string): Promise<number> {
  try {
    specify(kernel)
  } catch (error) {
    console.error(`demo: ${error instanceof Error ? error.message : error}`)
    return 2
  }
  await buildAddon((await obtainKernel(kernel)).architecture)
  const result = await runInVm({
    kernel,
    path: [join(import.meta.dirname, '../../node_modules/.bin')],
    command: ['node', '--conditions=@pendshare/source', program, '--backend', 'linux'],
    timeoutS: 180,
  })
  if (result.problems.length > 0) report(result, false)
  return exitCodeOf(result)
}
