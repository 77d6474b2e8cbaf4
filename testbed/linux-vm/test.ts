/** `npm run test:linux`: runs the test groups in VMs, one boot for each group and kernel, and counts what they say in TAP. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { cacheRoot } from '../cache.ts'
import { add, type Counts, countTap, formatCounts, nothing } from '../counts.ts'
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
import type { KernelEnd } from './publish.ts'
import { runInVm, type VmResult } from './run.ts'

const repository = resolve(import.meta.dirname, '../..')

/**
 * Runs the groups that `wanted` picks on one kernel; `quick`: with fewer rounds where a group has a number of them. A kernel that cannot be had, or built for, is one failure.
 */
export async function testKernel(
  name: string,
  wanted: (group: string) => boolean,
  speed: 'quick' | 'full' = 'full',
): Promise<KernelEnd> {
  const results: Record<string, Counts> = {}
  try {
    const kernel = await obtainKernel(name)
    for (const group of groups)
      if (group.on(name) && wanted(group.name))
        results[group.name] = await testGroup(
          kernel,
          speed === 'quick' ? { ...group, ...group.quick } : group,
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
      ends.push(await testKernel(name, wanted))
  }
  await Promise.all([lane(), lane()])
  return ends.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
}

export function countsOf(ends: readonly KernelEnd[]): Counts {
  return ends.flatMap(({ results }) => Object.values(results)).reduce(add, nothing)
}

/** One boot. The machine's own verdict (kernel log, leftovers, unloading) counts as one test beside the group's. */
async function testGroup(kernel: Kernel, group: Group): Promise<Counts> {
  const start = performance.now()
  const label = `linux-vm ${kernel.name} ${group.name}`
  console.log(`${label}: ${group.command.join(' ')}`)
  await group.prepare?.(kernel.architecture)
  const { prepare: _, on: __, name: ___, quick: ____, ...machine } = group
  const progress = followProgress(label)
  const result = await runInVm({
    ...machine,
    kernel: kernel.name,
    cwd: repository,
    path: [join(repository, 'node_modules/.bin')],
    onOutput: progress.see,
  }).finally(progress.stop)
  const counts = judge(result)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const log = await keepLog(`${kernel.name}-${group.name}`, result)
  if (counts.failed > 0) explain(result, log)
  console.log(`${label}: ${formatCounts(counts)} (${seconds} s)`)
  return counts
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

function judge(result: VmResult): Counts {
  const told = countTap(result.output)
  const silent = told.passed + told.failed + told.skipped === 0 // a group that ran no test proves nothing
  const unexplained = result.exitCode !== 0 && told.failed === 0
  const machine = result.problems.length === 0 && !silent && !unexplained
  return add(told, machine ? { ...nothing, passed: 1 } : { ...nothing, failed: 1 })
}

function explain(result: VmResult, log: string): void {
  const lines = result.output.trimEnd().split('\n')
  console.log(lines.slice(-100).join('\n'))
  console.log(`exit code ${result.exitCode ?? 'unknown: the command did not end'}`)
  for (const problem of result.problems) console.log(`problem: ${problem}`)
  console.log(`the whole output and kernel log: ${log}`)
}

async function keepLog(name: string, result: VmResult): Promise<string> {
  const directory = join(cacheRoot(), 'logs')
  await mkdir(directory, { recursive: true })
  const path = join(directory, `${name}.log`)
  const problems = result.problems.map((problem) => `problem: ${problem}\n`).join('')
  await writeFile(path, `${result.output}\n--- kernel log\n${result.kernelLog}---\n${problems}`)
  return path
}

async function list(): Promise<void> {
  for (const name of kernelNames) {
    const { release, cached } = await lookUpKernel(name)
    console.log(`${name.padEnd(12)} ${release.padEnd(28)} ${describeKernel(name)}${cached ? '; cached' : ''}`)
  }
}

async function main(): Promise<void> {
  const program = new Command('test:linux')
    .description('run the test groups in VMs on real kernels')
    .option('--kernel <name...>', 'kernel to boot, or all', ['6.12'])
    .option('--filter <text>', 'only the groups whose name holds this text', '')
    .option('--list', 'list the kernels with their releases and whether they are cached, and run nothing')
    .addHelpText('after', `\nGroups: ${[...new Set(groups.map(({ name }) => name)), 'gate'].join(', ')}`)
    .addHelpText('after', KERNELS_HELP)
    .parse()
  const flags = program.opts<{ kernel: string[]; filter: string; list?: true }>()
  if (flags.list) return list()
  const names = flags.kernel.includes('all') ? kernelNames : flags.kernel
  for (const name of names) specify(name)
  const ends = await testKernels(names, (group) => group.includes(flags.filter))
  const counts = countsOf(ends)
  console.log(formatCounts(counts))
  process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1
}

if (import.meta.main) {
  try {
    await main()
  } catch (error) {
    console.error(`test:linux: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
}
