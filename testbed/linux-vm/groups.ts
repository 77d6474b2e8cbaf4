/** The test groups of the VM bed. Each runs in a boot of its own on each of its kernels, as lockdep and KASAN report once a boot. */
import { dirname, resolve } from 'node:path'
import { ensurePackages } from '../apt.ts'
import { buildAddon } from '../build.ts'
import { cacheRoot } from '../cache.ts'
import { mustRun } from '../command.ts'
import { installNode, OTHER_NODES } from '../nodes.ts'
import { type KernelName, kernelNames } from './kernels.ts'

export interface Group {
  readonly name: string
  /** Run in the guest from the repository's root; prints TAP on stdout. `node` is the workspace's pinned one. */
  readonly command: readonly string[]
  readonly kernels: readonly KernelName[]
  /** Builds on the host what the command needs. */
  readonly prepare?: () => Promise<unknown>
  readonly env?: Readonly<Record<string, string>>
  readonly smp?: number
  readonly memoryMiB?: number
  readonly timeoutS?: number
  /** Directories in drivers/ with kernel peers to build and load after the driver. */
  readonly peers?: readonly string[]
  readonly moduleOptions?: string
  /** false: without the driver. */
  readonly module?: false
  readonly unprivileged?: true
}

const stockKernels: readonly KernelName[] = ['6.1', '6.12']
const native = resolve(import.meta.dirname, '../native')
async function buildDriverTests(): Promise<void> {
  await ensurePackages(['gcc', 'make', 'libc6-dev'])
  await mustRun(['make', '-C', resolve(import.meta.dirname, '../../drivers/linux/test')])
}

/** Programs of drivers/linux/test, one after the other. */
function driverTests(...names: string[]): readonly string[] {
  const programs = names.map((name) => `drivers/linux/test/build/${name}`).join(' ')
  return ['sh', '-c', `status=0; for test in ${programs}; do "$test" || status=1; done; exit $status`]
}

async function buildFuzzer(): Promise<void> {
  await ensurePackages(['clang', 'make', 'libc6-dev', 'libclang-rt-14-dev'])
  const fuzzer = 'build/fuzz/fuzz-ioctl'
  await mustRun(['make', '-s', '-C', native, 'CC=clang', 'SAN=fuzz', 'OUT=build/fuzz', fuzzer])
}

/** node:test over source files, reporting in TAP. */
function nodeTest(...files: string[]): readonly string[] {
  return ['node', '--conditions=@pendshare/source', '--test', '--test-reporter=tap', ...files]
}

export const groups: readonly Group[] = [
  {
    name: 'smoke',
    command: ['sh', 'testbed/linux-vm/test/smoke.sh'],
    kernels: kernelNames,
    unprivileged: true,
    timeoutS: 300,
  },
  {
    name: 'uapi',
    command: driverTests('uapi', 'pend', 'peers', 'module', 'owner', 'race'),
    prepare: buildDriverTests,
    peers: ['linux/peer-test', 'examples/linux'],
    kernels: kernelNames,
    timeoutS: 1800,
  },
  {
    name: 'fuzz',
    command: ['sh', 'testbed/native/linux/fuzz.sh', '5000'],
    prepare: buildFuzzer,
    kernels: stockKernels,
    timeoutS: 900,
  },
  {
    // Each program opens and closes the device three times, and a close waits for grace periods, which are long there.
    name: 'fuzz',
    command: ['sh', 'testbed/native/linux/fuzz.sh', '300'],
    prepare: buildFuzzer,
    kernels: ['debug'],
    timeoutS: 900,
  },
  {
    // Where the kernel can be told which of its allocations fails.
    name: 'fault',
    command: driverTests('fault'),
    prepare: buildDriverTests,
    kernels: ['debug'],
    timeoutS: 900,
  },
  {
    name: 'contract',
    // Root without CAP_IPC_LOCK, which no limit of locked memory holds for.
    command: [
      'setpriv',
      '--bounding-set=-ipc_lock',
      ...nodeTest('packages/backend-linux/test/vm/contract.test.ts'),
    ],
    prepare: buildAddon,
    kernels: stockKernels,
    timeoutS: 1800,
  },
  {
    name: 'contract',
    // The same suite by the default way of waking up, with fewer rounds of each race: the kernel's checkers see a race that
    // happens once, and each start of a process takes seconds.
    command: [
      'setpriv',
      '--bounding-set=-ipc_lock',
      ...nodeTest('packages/backend-linux/test/vm/contract.test.ts'),
    ],
    prepare: buildAddon,
    env: { PENDSHARE_ROUNDS: '200', PENDSHARE_WAKEUP: 'poll' },
    kernels: ['debug'],
    timeoutS: 2400,
  },
  {
    name: 'addon',
    // One file after another: they count the pages that are pinned by anyone. Not on the debug kernel, where each of their
    // hundreds of processes takes ten seconds to start; there `uapi` kills owners, and `contract` ends processes and workers.
    command: nodeTest(
      '--test-concurrency=1',
      ...['running', 'workers', 'death', 'versions'].map(
        (name) => `packages/backend-linux/test/vm/${name}.test.ts`,
      ),
    ),
    prepare: async () => {
      await buildAddon()
      await Promise.all(OTHER_NODES.map(installNode))
    },
    env: { XDG_CACHE_HOME: dirname(cacheRoot()) }, // where the other versions of Node are
    kernels: stockKernels,
    timeoutS: 1800,
  },
]
