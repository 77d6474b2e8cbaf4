/** `npm run test:linux`: runs the test groups in VMs, one boot for each group and kernel, and counts what they say in TAP. */
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { conclude } from '../conclude.ts'
import { add, type Counts, nothing } from '../counts.ts'
import { testProgram } from '../program.ts'
import { testGate } from './gate.ts'
import { type Group, groups } from './groups.ts'
import {
  describeKernel,
  KERNELS_HELP,
  type Kernel,
  kernelNames,
  lookUpKernel,
  obtainKernel,
  specify,
} from './kernels.ts'
import { buildOtherAbis } from './other-abis.ts'
import type { KernelEnd } from './publish.ts'
import { runInVm } from './run.ts'

const repository = resolve(import.meta.dirname, '../..')

/**
 * Runs the groups that `wanted` picks on one kernel. A group may have other rounds at some speed. A kernel that cannot be had, or built for, is one failure.
 */
export async function testKernel(
  name: string,
  wanted: (group: string) => boolean,
  speed: 'quick' | 'full' | 'thorough',
): Promise<KernelEnd> {
  const results: Record<string, Counts> = {}
  try {
    const kernel = await obtainKernel(name)
    for (const group of groups)
      if (group.on(name) && wanted(group.name))
        results[group.name] = await testGroup(
          kernel,
          speed === 'full' ? group : { ...group, ...group[speed] },
        )
    if (wanted('gate')) results.gate = await testGate(name)
    return { name, release: kernel.release, results }
  } catch (error) {
    console.log(`linux-vm ${name}: ${error instanceof Error ? error.message : error}`)
    return { name, release: 'none', results: { ...results, start: { ...nothing, failed: 1 } } }
  }
}

/**
 * Runs the kernels two at a time: a guest of two processors that waits for a grace period, a timer or its disk leaves this
 * machine to the other. Each line of output says whose it is.
 */
export async function testKernels(
  names: readonly string[],
  wanted: (group: string) => boolean,
): Promise<KernelEnd[]> {
  const waiting = [...names]
  const ends: KernelEnd[] = []
  const lane = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
      ends.push(await testKernel(name, wanted, 'thorough'))
  }
  await Promise.all([lane(), lane()])
  return ends.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
}

export function countsOf(ends: readonly KernelEnd[]): Counts {
  return ends.flatMap(({ results }) => Object.values(results)).reduce(add, nothing)
}

/** One boot. */
async function testGroup(kernel: Kernel, group: Group): Promise<Counts> {
  const label = `linux-vm ${kernel.name} ${group.name}`
  console.log(`${label}: ${group.command.join(' ')}`)
  await group.prepare?.(kernel.architecture)
  const { prepare: _, on: __, name: ___, quick: ____, thorough: _____, otherAbis, ...machine } = group
  const env = { ...group.env, ...(otherAbis && (await buildOtherAbis(kernel))) }
  const run = async () => {
    const progress = followProgress(label)
    const result = await runInVm({
      ...machine,
      env,
      kernel: kernel.name,
      cwd: repository,
      path: [join(repository, 'node_modules/.bin')],
      onOutput: progress.see,
    }).finally(progress.stop)
    return { ...result, aside: result.kernelLog }
  }
  return testProgram({ label, judged: 'points', run })
}

/** While a group runs, a line every 15 seconds says how far it is. */
function followProgress(label: string): { see(text: string): void; stop(): void } {
  const start = performance.now()
  let tests = 0
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - start) / 1000)
    console.log(`  ${label}: ${seconds} s, ${tests} tests so far`)
  }, 15_000)
  return {
    see: (text) => {
      tests += text.match(/^\s*(not )?ok\b/gm)?.length ?? 0
    },
    stop: () => clearInterval(timer),
  }
}

async function list(): Promise<void> {
  for (const name of kernelNames) {
    const { release, cached } = await lookUpKernel(name)
    console.log(`${name.padEnd(12)} ${release.padEnd(28)} ${describeKernel(name)}${cached ? '; cached' : ''}`)
  }
}

const GROUPS = [...new Set(groups.map(({ name }) => name)), 'gate']

async function main(): Promise<Counts | undefined> {
  const program = new Command('test:linux')
    .description('run the test groups in VMs on real kernels')
    .option('--kernel <name...>', 'kernel to boot, or all', ['6.12'])
    .option('--filter <text>', 'only the groups whose name holds this text', '')
    .option('--list', 'list the kernels with their releases and whether they are cached, and run nothing')
    .addHelpText('after', `\nGroups: ${GROUPS.join(', ')}`)
    .addHelpText('after', KERNELS_HELP)
    .parse()
  const flags = program.opts<{ kernel: string[]; filter: string; list?: true }>()
  if (flags.list) {
    await list()
    return undefined
  }
  const names = flags.kernel.includes('all') ? kernelNames : flags.kernel
  for (const name of names) specify(name)
  if (!GROUPS.some((group) => group.includes(flags.filter)))
    program.error(`error: no group's name holds "${flags.filter}"; there are: ${GROUPS.join(', ')}`)
  const ends = await testKernels(names, (group) => group.includes(flags.filter))
  return countsOf(ends)
}

if (import.meta.main) await conclude('test:linux', main)
