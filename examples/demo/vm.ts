/** The demo on a real kernel: builds the addon, boots the VM with the driver in it, runs the demo there. */

import { join } from 'node:path'
import { buildAddon } from '../../testbed/build.ts'
import { obtainKernel, specify } from '../../testbed/linux-vm/kernels.ts'
import { exitCodeOf, report, runInVm, type VmOptions } from '../../testbed/linux-vm/run.ts'

/** By the names that --device takes. */
const CARDS: Readonly<Record<string, Pick<VmOptions, 'devices' | 'peers' | 'memoryMiB'>>> = {
  // It reaches 28 bits of addresses: in a machine that has no more, all memory.
  edu: { devices: ['edu'], peers: ['examples/linux'], memoryMiB: 256 },
}

/** Resolves to the exit code. `program`: path of the demo's own main module. */
export async function demoInVm(kernel: string, card: string | undefined, program: string): Promise<number> {
  if (card !== undefined && !(card in CARDS)) {
    console.error(`demo: there is no device ${card}; there is: ${Object.keys(CARDS).join(', ')}`)
    return 2
  }
  try {
    specify(kernel)
  } catch (error) {
    console.error(`demo: ${error instanceof Error ? error.message : error}`)
    return 2
  }
  await buildAddon((await obtainKernel(kernel)).architecture)
  const flags = ['--backend', 'linux', ...(card === undefined ? [] : ['--device', card])]
  const result = await runInVm({
    kernel,
    path: [join(import.meta.dirname, '../../node_modules/.bin')],
    command: ['node', '--conditions=@pendshare/source', program, ...flags],
    timeoutS: 180,
    ...(card !== undefined && CARDS[card]),
  })
  if (result.problems.length > 0) report(result, false)
  return exitCodeOf(result)
}
