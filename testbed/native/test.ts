/**
 * `npm run test:native`: the drivers' logic that is not glue to an operating system, built natively and judged by sanitizers:
 * the Windows driver on a fake of its framework, called, raced and fuzzed, and what both drivers share.
 */
import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { ensurePackages } from '../apt.ts'
import { mustRun, run as runCommand } from '../command.ts'
import { conclude } from '../conclude.ts'
import { add, type Counts, nothing } from '../counts.ts'
import type { DebianPackage } from '../packages.ts'
import { testProgram } from '../program.ts'

export interface NativeTest {
  readonly rounds: number
  readonly seed: number
  readonly filter: string
}

interface Program {
  readonly name: string
  readonly argv: readonly string[]
  /** Prints no TAP: its exit code is the test. */
  readonly silent?: true
}

const directory = import.meta.dirname
const mingw = resolve(directory, '../../drivers/windows/mingw')
const LIMIT_S = 1800
const RACE_SHARES = 2

const packages: readonly DebianPackage[] = ['gcc', 'make', 'libc6-dev', 'clang', 'libclang-rt-14-dev']
const crossPackages: readonly DebianPackage[] = [
  'gcc-mingw-w64-x86-64-posix',
  'mingw-w64-x86-64-dev',
  'mingw-w64-tools',
]

const built = (sanitizer: string, name: string) => resolve(directory, 'build', sanitizer, name)

/** Rejects with MissingPackages when there is no compiler and this user cannot install one. */
export async function testNative(options: Partial<NativeTest> = {}): Promise<Counts> {
  const test = { ...defaults(), ...options }
  await ensurePackages([...packages, ...crossPackages])
  await make('address')
  await make('thread')
  await make('fuzz', 'CC=clang', built('fuzz', 'fuzz-calls'))
  const corpus = await mkdtemp(join(tmpdir(), 'pendshare-corpus-'))
  try {
    return await runAll(choose(test, corpus))
  } finally {
    await rm(corpus, { recursive: true, force: true })
  }
}

function defaults(): NativeTest {
  return { rounds: 100_000, seed: randomInt(1, 2 ** 31), filter: '' }
}

async function make(sanitizer: string, ...rest: readonly string[]): Promise<void> {
  const argv = ['make', '-s', `-j${availableParallelism()}`, '-C', directory, `SAN=${sanitizer}`]
  await mustRun([...argv, `OUT=${resolve(directory, 'build', sanitizer)}`, ...rest], {
    progress: `building for ${sanitizer}`,
  })
}

/** The programs whose name holds the filter, or else the races whose name does. */
function choose(test: NativeTest, corpus: string): readonly Program[] {
  const others = otherPrograms(test, corpus)
  const all = [...races(test, ''), ...others].filter(({ name }) => name.includes(test.filter))
  return all.length > 0 ? all : races(test, test.filter)
}

function races({ rounds, seed }: NativeTest, filter: string): readonly Program[] {
  const shares = Array.from({ length: RACE_SHARES }, (_, at) => `${at + 1}/${RACE_SHARES}`)
  return ['thread', 'address'].flatMap((sanitizer) =>
    shares.map((share) => ({
      name: `races ${sanitizer} ${share}`,
      argv: [built(sanitizer, 'races'), String(rounds), String(seed), filter, share],
    })),
  )
}

function otherPrograms({ rounds, seed }: NativeTest, corpus: string): readonly Program[] {
  const numbers = [String(rounds), String(seed)]
  const fuzzing = [`-runs=${rounds}`, `-seed=${seed}`, '-max_len=300', '-verbosity=0']
  const inputs = [`-artifact_prefix=${built('fuzz', '')}/`, corpus, resolve(directory, 'windows/corpus')]
  return [
    { name: 'fuzz-calls', argv: [built('fuzz', 'fuzz-calls'), ...fuzzing, ...inputs], silent: true },
    {
      name: 'pendshare.sys by gcc and clang, without a warning',
      argv: ['make', '-s', '-C', mingw, `OUT=${built('windows', '')}`, 'check'],
      silent: true,
    },
    { name: 'steps address', argv: [built('address', 'steps'), ...numbers] },
    { name: 'events address', argv: [built('address', 'events'), ...numbers] },
    { name: 'table address', argv: [built('address', 'table'), ...numbers] },
    { name: 'lease thread', argv: [built('thread', 'lease'), ...numbers] },
    { name: 'lease address', argv: [built('address', 'lease'), ...numbers] },
    { name: 'quota thread', argv: [built('thread', 'quota'), ...numbers] },
    { name: 'quota address', argv: [built('address', 'quota'), ...numbers] },
    { name: 'bells thread', argv: [built('thread', 'bells')] },
    { name: 'bells address', argv: [built('address', 'bells')] },
    { name: 'due address', argv: [built('address', 'due')] },
    { name: 'names address', argv: [built('address', 'names')] },
    { name: 'request address', argv: [built('address', 'request')] },
    { name: 'calls thread', argv: [built('thread', 'calls')] },
    { name: 'calls address', argv: [built('address', 'calls')] },
  ]
}

/** As many at a time as there are processors, the longest first. */
async function runAll(programs: readonly Program[]): Promise<Counts> {
  const queue = [...programs]
  let counts = nothing
  const drain = async (): Promise<void> => {
    for (let program = queue.shift(); program; program = queue.shift()) {
      const ended = await runProgram(program)
      counts = add(counts, ended)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, drain))
  return counts
}

function runProgram({ name, argv, silent }: Program): Promise<Counts> {
  const run = () => runCommand(['timeout', String(LIMIT_S), ...argv], { progress: name })
  return testProgram({ label: `native ${name}`, judged: silent ? 'exit code' : 'points', run })
}

function whole(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('want a whole number from 1 up')
  return value
}

if (import.meta.main) {
  const { rounds, seed } = defaults()
  const program = new Command('test:native')
    .description("run the drivers' logic under sanitizers: called, raced and fuzzed")
    .option('--rounds <n>', 'of each race', whole, rounds)
    .addOption(new Option('--seed <n>', 'repeats a run').argParser(whole).default(seed, 'by chance'))
    .option('--filter <text>', 'only the programs, or else the races, whose name holds this text', '')
    .allowExcessArguments(false)
    .parse()
  await conclude('test:native', () => testNative(program.opts<NativeTest>()))
}
