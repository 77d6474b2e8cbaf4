/** The stages of `npm test`: what each runs, and in which of the two speeds. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildAddon, buildPackages } from './build.ts'
import { run } from './command.ts'
import { add, type Counts, nothing, saysWhatItNeeds } from './counts.ts'
import { testDebian } from './debian/test.ts'
import { kernelNames } from './linux-vm/kernels.ts'
import type { KernelEnd } from './linux-vm/publish.ts'
import { checkStyle } from './linux-vm/style.ts'
import { countsOf, testKernel } from './linux-vm/test.ts'
import { testMemory } from './native/shared/run.ts'
import { testNative } from './native/test.ts'
import { testPack } from './pack/test.ts'
import { ROOT } from './pages.ts'
import { testSecureBoot } from './secure-boot/test.ts'
import { testWindows } from './windows-wine/test.ts'

/** `quick`: what tells a contributor that a change is right. `full`: all stages, rounds and kernels. */
export type Speed = 'quick' | 'full'

export interface Stage {
  readonly name: string
  readonly what: string
  /** Whether the others wait for it: they use what it builds, or are for nothing when it fails. */
  readonly first?: true
  readonly only?: 'full'
  /** Rejects when the stage could not run at all. */
  readonly run: (speed: Speed) => Promise<Counts>
}

/** The kernel and the groups that a change is most likely to break. */
const QUICK_KERNEL = '6.12'
const QUICK_GROUPS = ['smoke', 'uapi', 'devices', 'vport', 'contract']

/** What takes longest begins first, so that the last stages are short and end together. */
const LONGEST_KERNELS = ['debug', QUICK_KERNEL]

export const stages: readonly Stage[] = [
  {
    name: 'lint',
    what: 'lint and format',
    first: true,
    run: () => check([bin('biome'), 'ci', '--colors=off', '.']),
  },
  {
    name: 'types',
    what: 'TypeScript',
    first: true,
    run: () => check([bin('tsc'), '--noEmit', '-p', 'tsconfig.json']),
  },
  { name: 'unused', what: 'what nobody uses', first: true, run: () => check([bin('knip')]) },
  { name: 'build', what: 'packages and addon', first: true, run: build },
  ...LONGEST_KERNELS.map(kernelStage),
  {
    name: 'pack',
    what: 'the packed packages in empty projects, by prebuilt and by compiled addons',
    only: 'full',
    run: () => testPack({ built: true }),
  },
  {
    name: 'debian',
    what: "the README's way from nothing to a stream, on machines that get packages",
    only: 'full',
    run: () => testDebian({ built: true }),
  },
  {
    name: 'secure-boot',
    what: "doctor's findings where the kernel wants signed modules, on a firmware with Secure Boot",
    only: 'full',
    run: testSecureBoot,
  },
  ...kernelNames.filter((name) => !LONGEST_KERNELS.includes(name)).map(kernelStage),
  { name: 'windows', what: 'the Windows driver, addon and Node under Wine', run: () => testWindows() },
  { name: 'unit', what: 'unit and contract tests on this machine', run: vitest },
  {
    name: 'ring',
    what: 'the ring raced, fuzzed and attacked, in C and JavaScript',
    run: (speed) => testMemory('ring', speed === 'quick' ? { records: 200_000 } : {}),
  },
  {
    name: 'frames',
    what: 'frames raced, fuzzed and attacked, in C and JavaScript',
    run: (speed) => testMemory('frames', speed === 'quick' ? { records: 200_000 } : {}),
  },
  {
    name: 'native',
    what: "the drivers' logic under sanitizers, called, raced and fuzzed",
    run: () => testNative({ rounds: 20_000 }),
  },
  {
    name: 'driver-style',
    what: "the Linux driver's source by the kernel's own tools",
    only: 'full',
    run: checkStyle,
  },
]

/** What came of the kernels so far, in the order of their names. */
export function kernelEnds(): readonly KernelEnd[] {
  return kernelNames.flatMap((name) => ended.get(name) ?? [])
}
const ended = new Map<string, KernelEnd>()

function kernelStage(name: string): Stage {
  return {
    name: `linux-${name}`,
    what: `the driver in QEMU on the kernel ${name}`,
    ...(name !== QUICK_KERNEL && { only: 'full' }),
    run: async (speed) => {
      const end = await testKernel(name, (group) => isWanted(name, group, speed), speed)
      ended.set(name, end)
      return countsOf([end])
    },
  }
}

/**
 * The kernels on which JavaScript runs too: the contract beside the main one on the oldest, the newest and the one whose pages are of 16 KiB; the
 * addon, whose processes take long to start, on that last one. On all others, the one that checks included, `uapi` holds the driver to every request. All
 * have all of it in `npm run test:linux -- --kernel all`, which has no time to keep to.
 */
const CONTRACT_KERNELS = [QUICK_KERNEL, '6.1-oldest', 'unstable', 'arm64-16k']
const ADDON_KERNELS = [QUICK_KERNEL, 'arm64-16k']

function isWanted(kernel: string, group: string, speed: Speed): boolean {
  if (speed === 'quick') return QUICK_GROUPS.includes(group)
  if (group === 'signals') return kernel === QUICK_KERNEL
  if (group === 'contract') return CONTRACT_KERNELS.includes(kernel)
  if (group === 'addon') return ADDON_KERNELS.includes(kernel)
  return true
}

function bin(name: string): string {
  return join(ROOT, 'node_modules/.bin', name)
}

/** One command that is one test: its output is shown when it fails. */
async function check(argv: readonly string[]): Promise<Counts> {
  const { exitCode, output } = await run(argv, { cwd: ROOT })
  if (exitCode === 0) return { ...nothing, passed: 1 }
  console.log(output.trimEnd())
  return { ...nothing, failed: 1 }
}

async function build(): Promise<Counts> {
  await buildPackages()
  await buildAddon()
  return { ...nothing, passed: 1 }
}

interface VitestReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

async function vitest(): Promise<Counts> {
  const directory = await mkdtemp(join(tmpdir(), 'pendshare-test-'))
  const file = join(directory, 'report.json')
  try {
    const argv = [bin('vitest'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const { exitCode, output } = await run(argv, { cwd: ROOT, progress: 'vitest' })
    if (exitCode !== 0) console.log(output.trimEnd())
    const report: VitestReport | undefined = JSON.parse(await readFile(file, 'utf8').catch(() => 'null'))
    const counts = report ? countVitest(report) : nothing
    // A file that cannot be loaded, or an error between tests, fails the run without failing a test.
    return exitCode !== 0 && counts.failed === 0 ? add(counts, { ...nothing, failed: 1 }) : counts
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function countVitest(report: VitestReport): Counts {
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults)
  const passed = tests.filter(({ status }) => status === 'passed').length
  const failed = tests.filter(({ status }) => status === 'failed').length
  const others = tests.filter(({ status }) => status !== 'passed' && status !== 'failed')
  const silent = others.filter(({ fullName }) => !saysWhatItNeeds(fullName))
  for (const { fullName } of silent) console.log(`skipped without a reason: ${fullName}`)
  return { passed, failed: failed + silent.length, skipped: others.length - silent.length }
}
