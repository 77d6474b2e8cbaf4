/**
 * `npm test`: everything, in stages, cheapest first. A failed stage does not stop the next; a stage that cannot run is named
 * with its reason. Ends with one line of counts, and with exit code 0 only if nothing failed and nothing was left out unasked.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { MissingPackages } from './apt.ts'
import { buildAddon, buildPackages } from './build.ts'
import { run } from './command.ts'
import { add, type Counts, formatCounts, nothing } from './counts.ts'
import { kernelNames } from './linux-vm/kernels.ts'
import { checkStyle } from './linux-vm/style.ts'
import { testKernel } from './linux-vm/test.ts'
import { testRing } from './native/ring/test.ts'

interface Stage {
  readonly name: string
  readonly what: string
  /** Rejects when the stage could not run at all. */
  readonly run: () => Promise<Counts>
}

const root = resolve(import.meta.dirname, '..')
const bin = (name: string) => join(root, 'node_modules/.bin', name)

const stages: readonly Stage[] = [
  { name: 'lint', what: 'lint and format', run: () => check([bin('biome'), 'ci', '.']) },
  { name: 'types', what: 'TypeScript', run: () => check([bin('tsc'), '--noEmit', '-p', 'tsconfig.json']) },
  { name: 'build', what: 'packages and addon', run: build },
  { name: 'unit', what: 'unit and contract tests on this machine', run: vitest },
  { name: 'ring', what: 'the ring raced, fuzzed and attacked, in C and JavaScript', run: () => testRing() },
  { name: 'driver-style', what: "the Linux driver's source by the kernel's own tools", run: checkStyle },
  { name: 'linux-vm', what: 'the driver on real kernels in QEMU', run: linuxVm },
]

/** One command that is one test: its output is shown when it fails. */
async function check(argv: readonly string[]): Promise<Counts> {
  const { exitCode, output } = await run(argv, { cwd: root })
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
  readonly success: boolean
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
}

async function vitest(): Promise<Counts> {
  const directory = await mkdtemp(join(tmpdir(), 'pendshare-test-'))
  const file = join(directory, 'report.json')
  try {
    const argv = [bin('vitest'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const { exitCode, output } = await run(argv, { cwd: root, progress: 'vitest' })
    const report: VitestReport = JSON.parse(await readFile(file, 'utf8').catch(() => 'null')) ?? unreadable
    if (exitCode !== 0 || !report.success) console.log(output.trimEnd())
    // A file that cannot be loaded fails without failing a test.
    const failed = Math.max(report.numFailedTests, exitCode === 0 && report.success ? 0 : 1)
    return { passed: report.numPassedTests, failed, skipped: report.numPendingTests + report.numTodoTests }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

const unreadable: VitestReport = {
  success: false,
  numPassedTests: 0,
  numFailedTests: 1,
  numPendingTests: 0,
  numTodoTests: 0,
}

async function linuxVm(): Promise<Counts> {
  let counts = nothing
  for (const kernel of kernelNames) counts = add(counts, await testKernel(kernel))
  return counts
}

/** How one stage ended; a stage without any test failed, since it proves nothing. */
async function runStage(stage: Stage): Promise<Counts> {
  console.log(`\n== ${stage.name}: ${stage.what}`)
  const start = performance.now()
  const counts = await stage.run().catch(explain)
  const ran = counts.passed + counts.failed + counts.skipped > 0
  if (!ran) console.log(`${stage.name}: not a single test`)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const fair = ran ? counts : { ...nothing, failed: 1 }
  console.log(`== ${stage.name}: ${formatCounts(fair)} in ${seconds} s`)
  return fair
}

function explain(error: unknown): Counts {
  console.log(error instanceof MissingPackages ? `did not run: ${error.message}` : error)
  return error instanceof MissingPackages ? { ...nothing, skipped: 1 } : { ...nothing, failed: 1 }
}

function stageName(value: string, previous: readonly string[]): string[] {
  if (stages.some(({ name }) => name === value)) return [...previous, value]
  throw new InvalidArgumentError(`there are: ${stages.map(({ name }) => name).join(', ')}`)
}

async function main(): Promise<void> {
  const program = new Command('npm test --')
    .description('build and test everything')
    .option('--without <stage>', 'leave a stage out; may be repeated', stageName, [])
    .option('--only <stage>', 'run this stage; may be repeated', stageName, [])
    .addHelpText('after', `\nStages:\n${stages.map(({ name, what }) => `  ${name}: ${what}`).join('\n')}`)
    .parse()
  const { without, only } = program.opts<{ without: string[]; only: string[] }>()
  const wanted = stages.filter(({ name }) => only.length === 0 || only.includes(name))
  let counts = nothing
  let unasked = 0
  for (const stage of wanted) {
    const asked = without.includes(stage.name)
    if (asked) console.log(`\n== ${stage.name}: left out, as --without says`)
    const ended = asked ? { ...nothing, skipped: 1 } : await runStage(stage)
    if (!asked) unasked += ended.skipped
    counts = add(counts, ended)
  }
  if (unasked > 0) console.log(`\n${unasked} tests or stages did not run although nobody left them out`)
  console.log(`\n${formatCounts(counts)}`)
  process.exitCode = counts.failed === 0 && unasked === 0 && counts.passed > 0 ? 0 : 1
}

await main()
