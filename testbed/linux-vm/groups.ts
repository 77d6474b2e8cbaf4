/** The test groups of the VM bed. Each runs in a boot of its own on each of its kernels, as lockdep and KASAN report once a boot. */
import { dirname, resolve } from 'node:path'
import { ensurePackages } from '../apt.ts'
import type { Architecture } from '../archive.ts'
import { buildAddon } from '../build.ts'
import { cacheRoot, withLock } from '../cache.ts'
import { mustRun } from '../command.ts'
import { installNode, OTHER_NODES } from '../nodes.ts'
import { type Port, portDevices } from './ports.ts'

export interface Group {
  readonly name: string
  /** Run in the guest from the repository's root; prints TAP on stdout. `node` is the workspace's pinned one. */
  readonly command: readonly string[]
  /** Whether it runs on a kernel of this name. */
  readonly on: (kernel: string) => boolean
  /** Builds on the host what the command needs. */
  readonly prepare?: (architecture: Architecture) => Promise<unknown>
  readonly env?: Readonly<Record<string, string>>
  /** What a quick run has in its place. */
  readonly quick?: Pick<Group, 'env' | 'ports'>
  /** What a run has in its place that has no time to keep to. */
  readonly thorough?: Pick<Group, 'env' | 'smp'>
  readonly smp?: number
  readonly memoryMiB?: number
  readonly timeoutS?: number
  /** Directories in drivers/ with kernel peers to build and load after the driver. */
  readonly peers?: readonly string[]
  readonly moduleOptions?: string
  /** More devices of the machine, as QEMU's -device takes them. */
  readonly devices?: readonly string[]
  /** What this side does with the virtio consoles among them. */
  readonly ports?: readonly Port[]
  /** Memory that devices name, as QEMU's -object takes it. */
  readonly objects?: readonly string[]
  /** Devices in hot-plug slots, which the command has pulled out of them as run.ts says. */
  readonly slots?: readonly string[]
  /** Devices get at memory by an IOMMU's addresses alone. */
  readonly iommu?: true
  /** More words for the kernel's command line. */
  readonly commandLine?: string
  /** false: without the driver. */
  readonly module?: false
  /** The paths of drivers of the ABI before and after this one are in PENDSHARE_OLDER_DRIVER and PENDSHARE_NEWER_DRIVER. */
  readonly otherAbis?: true
  readonly unprivileged?: true
  readonly compilers?: false
}

const onAll = () => true
const onDebug = (kernel: string) => kernel === 'debug'
const onStock = (kernel: string) => kernel !== 'debug'
/** The one kernel on which races take all of their rounds: what they race is the driver, which is the same on each. */
const onMain = (kernel: string) => kernel === '6.12'

const native = resolve(import.meta.dirname, '../native')
async function buildDriverTests(architecture: Architecture): Promise<void> {
  const cross = architecture === 'arm64'
  const compiler = cross
    ? (['gcc-aarch64-linux-gnu', 'libc6-dev-arm64-cross'] as const)
    : (['gcc', 'libc6-dev'] as const)
  await ensurePackages(['make', ...compiler])
  const settings = cross ? ['CC=aarch64-linux-gnu-gcc', 'OUT=build/arm64'] : []
  const directory = resolve(import.meta.dirname, '../../drivers/linux/test')
  await withLock(`${directory}/build`, () => mustRun(['make', '-C', directory, ...settings]))
}

/** All programs of drivers/linux/test but `fault`, the cheap ones first. */
const DRIVER_TESTS =
  'uapi memory limits pend bells ends stalls signals peers options rings frames module cards owner race readers'.split(
    ' ',
  )

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

/** Node as it is cheapest on an emulated processor: what its compilers make is translated once more. */
const interpreted = { compilers: false } as const

/**
 * Beside the main kernel, where on several processors `uapi` races, and for what has nothing to race. Two emulated processors that share
 * one wait for each other: under lockdep they take twice the time of one.
 */
const cheap = { ...interpreted, smp: 1 } as const

/** node:test over source files, reporting in TAP; flags come before them. */
function nodeTest(...files: string[]): readonly string[] {
  return ['node', '--conditions=@pendshare/source', '--test', '--test-reporter=tap', ...files]
}

/**
 * Root without CAP_IPC_LOCK, which no limit of locked memory holds for. The limit is what the suite's laws need with pages of
 * 16 KiB: 2048 of them.
 */
const LIMITED = 'prlimit --memlock=33554432:33554432 setpriv --bounding-set=-ipc_lock'

/** One file needs no process of its own beside that of the runner. */
const ALONE = '--test-isolation=none'

function contractTest(...flags: string[]): readonly string[] {
  return nodeTest(ALONE, ...flags, 'packages/backend-linux/test/vm/contract.test.ts')
}

const contract = {
  name: 'contract',
  command: [...LIMITED.split(' '), ...contractTest()],
  prepare: buildAddon,
} as const

/** A way of waking up, and that the handlers of signals by turns restart a call and let it fail. */
type UnderFire = `${'poll' | 'thread'} turns`

/** The laws of these start a process each, which takes as long as all the others; they have no calls of their own. */
const NO_PROCESSES = ['--test-skip-pattern=/nothing outlives its owner/']
/** Nor the many rounds of races and random walks, whose calls are those of the others: the main kernel has them. */
const EACH_CALL = ['--test-skip-pattern=/nothing outlives its owner|race: one wins|any sequence of commands/']

/** The contract while signals come all the time: as often as an emulated processor can take them and still do something else. */
function underSignals(
  everyUs: number,
  flags: readonly string[],
  ...ways: readonly UnderFire[]
): readonly string[] {
  const script = [
    'status=0',
    `for way in ${ways.map((way) => `'${way}'`).join(' ')}; do`,
    `export BOMBARD_US=${everyUs} BOMBARD_RESTART=\${way#* } PENDSHARE_WAKEUP=\${way% *}`,
    `${LIMITED} env LD_PRELOAD="$PWD/drivers/linux/test/build/bombard.so" "$@" || status=1`,
    'done',
    'exit $status',
  ]
  return ['sh', '-c', script.join('\n'), 'sh', ...contractTest(...flags)]
}

async function buildBoth(architecture: Architecture): Promise<void> {
  await buildDriverTests(architecture)
  await buildAddon(architecture)
}

const signals = { name: 'signals', prepare: buildBoth, timeoutS: 2400 } as const

/** By the default way of waking up (`signals` has the other one), and with fewer rounds, as what is raced is the same on each. */
const FEWER = { PENDSHARE_ROUNDS: '15', PENDSHARE_WAKEUP: 'poll' } as const

/** With checkers on an emulated processor, and timers and signals besides, a share has taken 30 seconds to end. */
const PATIENT = { PENDSHARE_WATCHDOG_MS: '120000' } as const

/** One file after another: they count the pages that are pinned by anyone. */
function addonTests(...names: string[]): readonly string[] {
  const files = names.map((name) => `packages/backend-linux/test/vm/${name}.test.ts`)
  return nodeTest('--test-concurrency=1', ...files)
}

/**
 * Not on the debug kernel, where each of their hundreds of processes takes ten seconds to start; there `uapi` kills owners, and
 * `contract` ends processes and workers.
 */
const addon = {
  name: 'addon',
  prepare: buildAddon,
  timeoutS: 1800,
} as const

/** QEMU's card for teaching, by QEMU's own default blind above 256 MiB. */
const EDU = 'edu,dma_mask=0xffffffffff'

const uapi = {
  name: 'uapi',
  command: driverTests(...DRIVER_TESTS),
  prepare: buildDriverTests,
  peers: ['linux/peer-test', 'examples/linux'],
  timeoutS: 1800,
} as const

const devices = {
  command: driverTests('devices'),
  prepare: buildDriverTests,
  peers: ['examples/linux'],
  devices: [EDU, EDU],
  on: onMain,
  timeoutS: 600,
} as const

/** The program counts on this number. The memory stands in for what is no more. */
const hotplug = {
  command: driverTests('hotplug'),
  prepare: buildDriverTests,
  peers: ['examples/linux'],
  slots: Array.from({ length: 16 }, () => EDU),
  devices: ['ivshmem-plain,memdev=ones'],
  objects: ['memory-backend-ram,id=ones,size=1M'],
  timeoutS: 1800,
} as const

/** The kernel's own driver of consoles is built in, would have the ports first, and take what is fed into them. */
const ports = {
  peers: ['examples/linux'],
  commandLine: 'initcall_blacklist=virtio_console_init',
  on: onMain,
  timeoutS: 900,
} as const

/** A port that sends back what it gets, so much. */
function stream(mebibytes: number): Pick<Group, 'env' | 'ports'> {
  const bytes = mebibytes << 20
  return {
    env: { PENDSHARE_PORT_BYTES: String(bytes) },
    ports: [{ name: 'stream', bytes, returned: true }],
  }
}

/** To one port nothing comes, to the other one without an end. */
const portEdges = {
  ...ports,
  command: driverTests('vport'),
  prepare: buildDriverTests,
  ports: [{ name: 'idle', bytes: 0 }, { name: 'endless' }],
} as const

const fuzz = { name: 'fuzz', prepare: buildFuzzer, timeoutS: 900 } as const

export const groups: readonly Group[] = [
  {
    name: 'smoke',
    command: ['sh', 'testbed/linux-vm/test/smoke.sh'],
    on: onAll,
    unprivileged: true,
    timeoutS: 300,
  },
  { ...uapi, on: onMain },
  {
    ...uapi,
    env: { PENDSHARE_RACES: '20' },
    smp: 1,
    thorough: { env: {}, smp: 2 },
    on: (kernel) => !onMain(kernel),
  },
  { ...devices, name: 'devices' },
  { ...devices, name: 'iommu', iommu: true, smp: 1 },
  // A kernel that is asked to let go of a card gives its user five seconds to think better of it.
  { ...hotplug, name: 'hotplug', env: { PENDSHARE_TIMES: '16' }, on: onMain },
  {
    ...hotplug,
    name: 'hotplug',
    env: { PENDSHARE_TIMES: '16' },
    thorough: { env: { PENDSHARE_TIMES: '200' } },
    smp: 1,
    on: onDebug,
  },
  {
    name: 'adc',
    command: nodeTest(ALONE, 'examples/adc/adc.vm.ts'),
    prepare: buildAddon,
    peers: ['examples/adc'],
    devices: ['edu'],
    ...cheap,
    on: onMain,
    timeoutS: 300,
  },
  {
    // Of docs/card.md, with the memory that QEMU's card reaches.
    name: 'card',
    command: nodeTest(ALONE, 'examples/card/card.vm.ts'),
    prepare: buildAddon,
    peers: ['examples/card'],
    devices: ['edu'],
    memoryMiB: 256,
    ...cheap,
    on: onMain,
    timeoutS: 300,
  },
  {
    ...ports,
    ...stream(256),
    name: 'vport',
    command: nodeTest(ALONE, 'packages/backend-linux/test/vm/vport.test.ts'),
    prepare: buildAddon,
    devices: portDevices('stream'),
    quick: stream(16),
  },
  {
    ...portEdges,
    name: 'vport-edges',
    devices: [...portDevices('idle'), ...portDevices('endless')],
  },
  {
    ...portEdges,
    name: 'vport-iommu',
    devices: [...portDevices('idle', ',iommu_platform=on'), ...portDevices('endless', ',iommu_platform=on')],
    iommu: true,
  },
  {
    // What two numbers differ by is the same on each kernel.
    name: 'abi',
    command: nodeTest(ALONE, 'packages/backend-linux/test/vm/abi.test.ts'),
    prepare: buildBoth,
    module: false,
    otherAbis: true,
    ...cheap,
    on: onMain,
    timeoutS: 300,
  },
  { ...fuzz, command: ['sh', 'testbed/native/linux/fuzz.sh', '3000'], on: onMain },
  // Each program opens and closes the device three times, and a close waits for grace periods, which are long there.
  { ...fuzz, command: ['sh', 'testbed/native/linux/fuzz.sh', '100'], on: onDebug },
  {
    // Where the kernel can be told which of its allocations fails.
    name: 'fault',
    command: driverTests('fault'),
    prepare: buildDriverTests,
    on: onDebug,
    timeoutS: 900,
  },
  {
    ...contract,
    env: { PENDSHARE_ROUNDS: '30' },
    quick: { env: FEWER },
    on: onMain,
    timeoutS: 1800,
  },
  {
    // There `uapi` lets owners die.
    ...contract,
    ...cheap,
    command: [...LIMITED.split(' '), ...contractTest(...NO_PROCESSES)],
    env: FEWER,
    on: (kernel) => onStock(kernel) && !onMain(kernel),
    timeoutS: 1800,
  },
  {
    // By the default way of waking up: the kernel's checkers see a race that happens once, and each start of a process takes
    // seconds.
    ...contract,
    ...cheap,
    env: { ...FEWER, PENDSHARE_ROUNDS: '5', ...PATIENT },
    on: onDebug,
    timeoutS: 2400,
  },
  {
    ...signals,
    ...cheap,
    command: underSignals(3000, NO_PROCESSES, 'poll turns'),
    env: { PENDSHARE_ROUNDS: '20' },
    on: onMain,
  },
  {
    ...signals,
    ...cheap,
    command: underSignals(10_000, EACH_CALL, 'thread turns'),
    env: { PENDSHARE_ROUNDS: '10' },
    on: (kernel) => onStock(kernel) && !onMain(kernel),
  },
  {
    ...signals,
    ...interpreted,
    command: underSignals(30_000, EACH_CALL, 'poll turns'),
    env: { PENDSHARE_ROUNDS: '10', ...PATIENT },
    on: onDebug,
  },
  {
    ...addon,
    command: addonTests('running', 'bells', 'workers', 'death', 'versions'),
    prepare: async (architecture) => {
      await buildAddon(architecture)
      for (const version of OTHER_NODES) await installNode(version)
    },
    env: { XDG_CACHE_HOME: dirname(cacheRoot()) }, // where the other versions of Node are
    on: onMain,
  },
  // Which Node runs makes no difference to a kernel.
  {
    ...addon,
    ...cheap,
    command: addonTests('running', 'bells', 'workers', 'death'),
    env: { PENDSHARE_WAKEUP: 'poll' },
    on: (kernel) => onStock(kernel) && !onMain(kernel),
  },
  // In a root of its own, which can be broken. The driver is there to be taken away.
  {
    name: 'doctor',
    command: [
      'sh',
      'packages/pendshare/test/vm/root.sh',
      ...nodeTest(ALONE, 'packages/pendshare/test/vm/doctor.test.ts'),
    ],
    prepare: buildAddon,
    otherAbis: true,
    ...cheap,
    on: onMain,
    timeoutS: 1200,
  },
]
