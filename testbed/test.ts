/**
 * `npm test`: everything, in stages, cheapest first. A failed stage does not stop the next; a stage that cannot run is named
 * with its reason. Ends with one line of counts, and with exit code 0 only if nothing failed and no stage was left out unasked.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { MissingPackages } from './apt.ts'
import { buildAddon, buildPackages } from './build.ts'
import { run } from './command.ts'
import { add, type Counts, formatCounts, nothing, saysWhatItNeeds } from './counts.ts'
import { checkStyle } from './linux-vm/style.ts'
import { countsOf, testKernels } from './linux-vm/test.ts'
import { testRing } from './native/ring/test.ts'
import { testNative } from './native/test.ts'
import { testWindows } from './windows-wine/test.ts'

interface Stage {
  readonly name: string
  readonly what: string
  /** Rejects when the stage could not run at all. */
  readonly run: () => Promise<Counts>
}

const root = resolve(import.meta.dirname, '..')
const bin = (name: string) => join(root, 'node_modules/.bin', name)

const stages: readonly Stage[] = [
  { name: 'lint', what: 'lint and format', run: () => check([bin('biome'), 'ci', '--colors=off', '.']) },
  { name: 'types', what: 'TypeScript', run: () => check([bin('tsc'), '--noEmit', '-p', 'tsconfig.json']) },
  { name: 'build', what: 'packages and addon', run: build },
  { name: 'unit', what: 'unit and contract tests on this machine', run: vitest },
  { name: 'ring', what: 'the ring raced, fuzzed and attacked, in C and JavaScript', run: () => testRing() },
  {
    name: 'native',
    what: "the drivers' logic under sanitizers, called, raced and fuzzed",
    run: () => testNative(),
  },
  { name: 'driver-style', what: "the Linux driver's source by the kernel's own tools", run: checkStyle },
  { name: 'windows', what: 'the Windows driver, addon and Node under Wine', run: () => testWindows() },
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
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

async function vitest(): Promise<Counts> {
  const directory = await mkdtemp(join(tmpdir(), 'pendshare-test-'))
  const file = join(directory, 'report.json')
  try {
    const argv = [bin('vitest'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const { exitCode, output } = await run(argv, { cwd: root, progress: 'vitest' })
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

/** The rest of the table, which takes longer than anybody waits before a commit: `npm run test:linux -- --kernel all`. */
async function linuxVm(): Promise<Counts> {
  return countsOf(await testKernels(['6.12', '6.1', 'debug'], () => true))
}

interface StageEnd {
  readonly counts: Counts
  /** False if what it needs is missing here. */
  readonly ran: boolean
}

/** A stage without any test failed, since it proves nothing. */
async function runStage(stage: Stage): Promise<StageEnd> {
  console.log(`\n== ${stage.name}: ${stage.what}`)
  const start = performance.now()
  const end = await stage.run().then((counts) => ({ counts, ran: true }), explain)
  const empty = end.counts.passed + end.counts.failed + end.counts.skipped === 0
  if (empty) console.log(`${stage.name}: not a single test`)
  const counts = empty ? { ...nothing, failed: 1 } : end.counts
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`== ${stage.name}: ${formatCounts(counts)} in ${seconds} s`)
  return { ...end, counts }
}

function explain(error: unknown): StageEnd {
  const missing = error instanceof MissingPackages
  console.log(missing ? `did not run: ${error.message}` : error)
  return missing
    ? { counts: { ...nothing, skipped: 1 }, ran: false }
    : { counts: { ...nothing, failed: 1 }, ran: true }
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
  const missing: string[] = []
  for (const stage of wanted) {
    if (without.includes(stage.name)) {
      console.log(`\n== ${stage.name}: left out, as --without says`)
      counts = add(counts, { ...nothing, skipped: 1 })
      continue
    }
    const end = await runStage(stage)
    counts = add(counts, end.counts)
    if (!end.ran) missing.push(stage.name)
  }
  if (missing.length > 0) console.log(`\ndid not run, for the reasons above: ${missing.join(', ')}`)
  console.log(`\n${formatCounts(counts)}`)
  process.exitCode = counts.failed === 0 && missing.length === 0 && counts.passed > 0 ? 0 : 1
}

await main()
