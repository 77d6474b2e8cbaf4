/** `npm run test:linux`: runs the test groups in VMs, one boot for each group and kernel, and counts what they say in TAP. */
import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { Command, Option } from 'commander'
import { cacheRoot } from '../cache.ts'
import { add, type Counts, countTap, formatCounts, nothing } from '../counts.ts'
import { testGate } from './gate.ts'
import { type Group, groups } from './groups.ts'
import { type KernelName, kernelNames } from './kernels.ts'
import { runInVm, type VmResult } from './run.ts'

const repository = resolve(import.meta.dirname, '../..')

/** Runs the groups whose name holds `filter` on one kernel. */
export async function testKernel(kernel: KernelName, filter = ''): Promise<Counts> {
  let counts = nothing
  for (const group of groups)
    if (group.kernels.includes(kernel) && group.name.includes(filter))
      counts = add(counts, await testGroup(kernel, group))
  if ('gate'.includes(filter)) counts = add(counts, await testGate(kernel))
  return counts
}

/** One boot. The machine's own verdict (kernel log, leftovers, unloading) counts as one test beside the group's. */
async function testGroup(kernel: KernelName, group: Group): Promise<Counts> {
  const start = performance.now()
  console.log(`linux-vm ${kernel} ${group.name}: ${group.command.join(' ')}`)
  await group.prepare?.()
  const { prepare: _, kernels: __, name: ___, ...machine } = group
  const progress = followProgress(`linux-vm ${kernel} ${group.name}`)
  const result = await runInVm({
    ...machine,
    kernel,
    cwd: repository,
    env: { PATH: [join(repository, 'node_modules/.bin'), process.env.PATH].join(delimiter), ...group.env },
    onOutput: progress.see,
  }).finally(progress.stop)
  const counts = judge(result)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const log = await keepLog(`${kernel}-${group.name}`, result)
  if (counts.failed > 0) explain(result, log)
  console.log(`linux-vm ${kernel} ${group.name}: ${formatCounts(counts)} (${seconds} s)`)
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

async function main(): Promise<void> {
  const program = new Command('test:linux')
    .description('run the test groups in VMs on real kernels')
    .addOption(
      new Option('--kernel <name>', 'kernel to boot').choices([...kernelNames, 'all']).default('6.1'),
    )
    .option('--filter <text>', 'only the groups whose name holds this text', '')
    .addHelpText('after', `\nGroups: ${[...groups.map(({ name }) => name), 'gate'].join(', ')}`)
    .parse()
  const flags = program.opts<{ kernel: KernelName | 'all'; filter: string }>()
  const kernels = flags.kernel === 'all' ? kernelNames : [flags.kernel]
  let counts = nothing
  for (const kernel of kernels) counts = add(counts, await testKernel(kernel, flags.filter))
  console.log(formatCounts(counts))
  process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1
}

if (import.meta.main) {
  try {
    await main()
  } catch (error) {
    console.error(`test:linux: ${error instanceof Error ? error.message : error}`)
    console.log(formatCounts({ ...nothing, failed: 1 }))
    process.exitCode = 1
  }
}
