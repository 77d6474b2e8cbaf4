/**
 * `npm test`: what tells that a change is right; with --full all stages, rounds and kernels. The first stages run one after the other; of the rest,
 * two run side by side, as most of them wait a lot. A failed stage does not stop the others, and a stage that cannot run is named
 * with its reason. Ends with a table of the stages and one line of counts, and with exit code 0 only if nothing failed and no
 * stage was left out unasked.
 */
import Table from 'cli-table3'
import { Command, InvalidArgumentError } from 'commander'
import { MissingPackages } from './apt.ts'
import { leave } from './conclude.ts'
import { add, type Counts, formatCounts, nothing } from './counts.ts'
import { kernelTable, publish } from './linux-vm/publish.ts'
import { kernelEnds, type Speed, type Stage, stages } from './stages.ts'

const SIDE_BY_SIDE = 2

interface StageEnd {
  readonly name: string
  readonly counts: Counts
  readonly seconds: number
  /** False if what it needs is missing here. */
  readonly ran: boolean
}

async function runStages(wanted: readonly Stage[], speed: Speed): Promise<StageEnd[]> {
  const ends: StageEnd[] = []
  const first = wanted.filter((stage) => stage.first)
  for (const stage of first) ends.push(await runStage(stage, speed))
  const rest = wanted.filter((stage) => !stage.first)
  const lane = async () => {
    for (let stage = rest.shift(); stage; stage = rest.shift()) ends.push(await runStage(stage, speed))
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, lane))
  return wanted.flatMap(({ name }) => ends.filter((end) => end.name === name))
}

/** A stage without any test failed, since it proves nothing. */
async function runStage({ name, what, run }: Stage, speed: Speed): Promise<StageEnd> {
  console.log(`\n== ${name}: ${what}`)
  const start = performance.now()
  const end = await run(speed).then((counts) => ({ counts, ran: true }), explain)
  const empty = end.counts.passed + end.counts.failed + end.counts.skipped === 0
  if (empty) console.log(`${name}: not a single test`)
  const counts = empty ? { ...nothing, failed: 1 } : end.counts
  const seconds = (performance.now() - start) / 1000
  console.log(`== ${name}: ${formatCounts(counts)} in ${seconds.toFixed(1)} s`)
  return { ...end, name, counts, seconds }
}

function explain(error: unknown): { counts: Counts; ran: boolean } {
  const missing = error instanceof MissingPackages
  console.log(missing ? `did not run: ${error.message}` : error)
  return missing
    ? { counts: { ...nothing, skipped: 1 }, ran: false }
    : { counts: { ...nothing, failed: 1 }, ran: true }
}

function table(ends: readonly StageEnd[]): string {
  const table = new Table({
    head: ['stage', 'seconds', 'passed', 'failed', 'skipped'],
    colAligns: ['left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const { name, seconds, counts } of ends)
    table.push([name, seconds.toFixed(0), counts.passed, counts.failed, counts.skipped])
  return table.toString()
}

function stageName(value: string, previous: readonly string[]): string[] {
  if (stages.some(({ name }) => name === value)) return [...previous, value]
  throw new InvalidArgumentError(`there are: ${stages.map(({ name }) => name).join(', ')}`)
}

function describe({ name, what, only }: Stage): string {
  return `  ${name}: ${what}${only ? ' (--full)' : ''}`
}

interface Flags {
  readonly full?: true
  readonly publish?: true
  readonly without: readonly string[]
  readonly only: readonly string[]
}

function choose({ full, only, without }: Flags): Stage[] {
  const wanted = stages.filter((stage) =>
    only.length > 0 ? only.includes(stage.name) : full || stage.only !== 'full',
  )
  return wanted.filter(({ name }) => !without.includes(name))
}

async function main(): Promise<void> {
  const program = new Command('npm test --')
    .description('build and test what a change is most likely to break; with --full all there is')
    .option('--full', 'all stages, rounds and kernels')
    .option('--publish', 'write the table of drivers/linux/README.md, when all has passed on all kernels')
    .option('--without <stage>', 'leave a stage out; may be repeated', stageName, [])
    .option('--only <stage>', 'run this stage; may be repeated', stageName, [])
    .addHelpText('after', `\nStages:\n${stages.map(describe).join('\n')}`)
    .parse()
  const flags = program.opts<Flags>()
  const both = flags.without.find((name) => flags.only.includes(name))
  if (both) program.error(`error: --only and --without both name ${both}`)
  const start = performance.now()
  const ends = await runStages(choose(flags), flags.full ? 'full' : 'quick')
  const left = { ...nothing, skipped: flags.without.length }
  const counts = ends.reduce((sum, end) => add(sum, end.counts), left)
  const missing = ends.filter(({ ran }) => !ran).map(({ name }) => name)
  if (missing.length > 0) console.log(`\ndid not run, for the reasons above: ${missing.join(', ')}`)
  if (flags.without.length > 0) console.log(`\nleft out, as --without says: ${flags.without.join(', ')}`)
  console.log(`\n${table(ends)}\n${((performance.now() - start) / 1000).toFixed(0)} s in all`)
  const kernels = kernelEnds()
  if (kernels.length > 0) console.log(`\n${kernelTable(kernels).trimEnd()}`)
  if (flags.publish) await publish(kernels, counts)
  await leave(counts, counts.failed === 0 && missing.length === 0 && counts.passed > 0)
}

await main()
