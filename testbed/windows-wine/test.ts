/**
 * `npm run test:windows`: the Windows driver as it was built, its addon and Windows' own Node under Wine, with a double of the
 * driver framework. Two lanes at once, each in a Windows of its own. What Wine cannot show is listed by name.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { cacheRoot, withLock } from '../cache.ts'
import { conclude } from '../conclude.ts'
import { add, type Counts, nothing } from '../counts.ts'
import { testProgram } from '../program.ts'
import { type Artifacts, buildArtifacts } from './artifacts.ts'
import { removeLeftovers, Wine } from './wine.ts'

interface Program {
  readonly name: string
  readonly argv: readonly string[]
  readonly limitS: number
}

const root = resolve(import.meta.dirname, '../..')
/** make goes by times, so what was built from another clone would be taken for this one's. */
const clone = createHash('sha256').update(root).digest('hex').slice(0, 12)

function nodeTest({ node, suite }: Artifacts, name: string, limitS: number): Program {
  const file = join(suite, `packages/backend-windows/test/wine/${name}.test.js`)
  return { name, argv: [node, '--test-reporter=tap', file], limitS }
}

/** The long one by itself, the others beside it. */
function lanesOf(artifacts: Artifacts): readonly (readonly Program[])[] {
  return [
    [nodeTest(artifacts, 'contract', 600)],
    [
      { name: 'ioctl', argv: [artifacts.ioctl], limitS: 120 },
      nodeTest(artifacts, 'handles', 240),
      nodeTest(artifacts, 'death', 240),
      nodeTest(artifacts, 'workers', 240),
    ],
  ]
}

/**
 * Builds everything and hands it to `work`, for one at a time on this machine. Rejects with MissingPackages when Wine or a compiler is
 * missing here.
 */
export async function withArtifacts<T>(work: (artifacts: Artifacts) => Promise<T>): Promise<T> {
  const out = join(cacheRoot(), `windows-build-${clone}`)
  return withLock(out, async () => {
    const artifacts = await buildArtifacts(out)
    await removeLeftovers()
    return work(artifacts)
  })
}

/** Runs the programs whose name holds `filter`. */
export async function testWindows(filter = ''): Promise<Counts> {
  return withArtifacts(async (artifacts) => {
    const lanes = lanesOf(artifacts)
      .map((lane) => lane.filter(({ name }) => name.includes(filter)))
      .filter((lane) => lane.length > 0)
    const counts = await Promise.all(lanes.map((lane) => runLane(artifacts, lane)))
    await tellWhatIsNotShown()
    return counts.reduce(add, nothing)
  })
}

/** One Windows, one driver. That the driver unloads with nothing left behind is a test of its own. */
async function runLane(artifacts: Artifacts, programs: readonly Program[]): Promise<Counts> {
  const wine = await Wine.create()
  try {
    await wine.startDriver(artifacts.service, artifacts.drivers)
    let counts = nothing
    for (const program of programs) counts = add(counts, await runProgram(wine, program))
    const problems = await wine.stopDriver()
    for (const problem of problems) console.log(`windows-wine ${programs[0]?.name}: ${problem}`)
    return add(counts, problems.length === 0 ? { ...nothing, passed: 1 } : { ...nothing, failed: 1 })
  } finally {
    await wine.destroy()
  }
}

function runProgram(wine: Wine, { name, argv, limitS }: Program): Promise<Counts> {
  const run = async () => {
    const { exitCode, stdout, stderr } = await wine.run(name, argv, limitS)
    return { exitCode, output: stdout.replaceAll('\r', ''), aside: stderr }
  }
  return testProgram({ label: `windows-wine ${name}`, judged: 'points', run })
}

const HEADING = '## What Wine cannot show'

/** The list stands in the documentation; printed, nobody takes these for tested. */
async function tellWhatIsNotShown(): Promise<void> {
  const page = await readFile(join(root, 'docs/windows.md'), 'utf8')
  const section = page.split(`${HEADING}\n`)[1]?.split('\n## ')[0]
  if (section === undefined) throw new Error(`docs/windows.md has no '${HEADING}'`)
  console.log(`windows-wine: what Wine cannot show, from docs/windows.md${section.trimEnd()}\n`)
}

if (import.meta.main) {
  const program = new Command('test:windows')
    .description('run the Windows driver, addon and contract suite under Wine')
    .option('--filter <text>', 'only the programs whose name holds this text', '')
    .addHelpText('after', '\nPrograms: contract, ioctl, handles, death, workers')
    .parse()
  await conclude('test:windows', () => testWindows(program.opts<{ filter: string }>().filter))
}
