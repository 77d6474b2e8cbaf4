/** The test groups of the VM bed. Each runs in a boot of its own on each of its kernels, as lockdep and KASAN report once a boot. */
import { type KernelName, kernelNames } from './kernels.ts'

export interface Group {
  readonly name: string
  /** Run in the guest from the repository's root; prints TAP on stdout. `node` is the workspace's pinned one. */
  readonly command: readonly string[]
  readonly kernels: readonly KernelName[]
  /** Run on the host first, from the repository's root: what builds the group's programs. */
  readonly prepare?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly smp?: number
  readonly memoryMiB?: number
  readonly timeoutS?: number
  readonly moduleOptions?: string
  /** false: without the driver. */
  readonly module?: false
  readonly unprivileged?: true
}

export const groups: readonly Group[] = [
  {
    name: 'smoke',
    command: ['sh', 'testbed/linux-vm/test/smoke.sh'],
    kernels: kernelNames,
    unprivileged: true,
    timeoutS: 300,
  },
]
