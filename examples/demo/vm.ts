/** The demo on a real kernel: builds the addon, boots the VM with the driver in it, runs the demo there. */
import { buildAddon } from '../../testbed/build.ts'
import { isKernelName, kernelNames } from '../../testbed/linux-vm/kernels.ts'
import { exitCodeOf, report, runInVm } from '../../testbed/linux-vm/run.ts'

/** Resolves to the exit code. `program`: path of the demo's own main module. */
export async function demoInVm(kernel: string, program: string): Promise<number> {
  if (!isKernelName(kernel)) {
    console.error(`demo: no kernel ${kernel}, there are: ${kernelNames.join(', ')}`)
    return 2
  }
  await buildAddon()
  const result = await runInVm({
    kernel,
    command: [process.execPath, '--conditions=@pendshare/source', program, '--backend', 'linux'],
    timeoutS: 180,
  })
  if (result.problems.length > 0) report(result, false)
  return exitCodeOf(result)
}
