/**
 * The native tests of the ring and of frames, of which each has a directory beside this one: golden vectors, races under sanitizers, a
 * hostile other side, and a native thread against JavaScript in the same memory. `--records N` sends that many each way (10,000,000 is the full measure); `--seed N`
 * replays a run. What waits for a wake-up has no time limit of its own, so a lost one shows as the end of the time here.
 */
import { randomInt } from 'node:crypto'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ensurePackages } from '../../apt.ts'
import { mustRun, run as runCommand } from '../../command.ts'
import { add, type Counts, formatCounts, nothing } from '../../counts.ts'
import { testProgram } from '../../program.ts'

/** Of which directory, and how its lines are headed. */
export type Tested = 'ring' | 'frames'

export interface MemoryTest {
  readonly records: number
  readonly seed: number
}

const LIMIT_S = 600

/** Rejects with MissingPackages when there is no compiler and this user cannot install one. */
export async function testMemory(tested: Tested, options: Partial<MemoryTest> = {}): Promise<Counts> {
  const { records, seed } = { ...defaults(), ...options }
  const directory = resolve(import.meta.dirname, '..', tested)
  await ensurePackages(['gcc', 'make', 'libc6-dev', 'clang', 'libclang-rt-14-dev'])
  await mustRun(['make', '-C', directory, 'all'], { progress: 'make' })
  const build = (name: string) => resolve(directory, 'build', name)
  const number = String(seed)
  const checks: readonly (readonly [what: string, ...argv: string[]])[] = [
    ['the golden vectors', build('golden'), resolve(directory, 'golden/vectors.txt')],
    ['a race at full speed', build('race'), String(records), number],
    ['a race under AddressSanitizer', build('race-asan'), String(records / 4), number],
    ['a race under ThreadSanitizer', build('race-tsan'), String(records / 4), number],
    ['a hostile other side, made from a seed', build('hostile'), String(records / 50), number],
    [
      'a hostile other side, made by libFuzzer',
      ...[
        build('fuzz'),
        `-seed=${seed}`,
        `-max_total_time=${Math.ceil(records / 100_000)}`,
        '-max_len=512',
        '-verbosity=0',
      ],
      `-artifact_prefix=${build('')}/`,
    ],
    [
      'a native thread against JavaScript',
      ...[process.execPath, '--conditions=@pendshare/source', resolve(directory, 'fuzz.ts')],
      ...[`--records=${records}`, `--seed=${seed}`],
    ],
  ]
  let counts = nothing
  for (const [what, ...argv] of checks) counts = add(counts, await check(`${tested}: ${what}`, argv))
  return counts
}

function check(what: string, argv: readonly string[]): Promise<Counts> {
  const run = async () => {
    const ended = await runCommand(['timeout', String(LIMIT_S), ...argv], { progress: what })
    return ended.exitCode === 124 ? { ...ended, exitCode: undefined } : ended
  }
  return testProgram({ label: what, judged: 'exit code', run })
}

function defaults(): MemoryTest {
  return { records: 1_000_000, seed: randomInt(1, 2 ** 31) }
}

/** Of the program itself: with the numbers that the command line says. */
export async function main(tested: Tested): Promise<void> {
  const options = { records: { type: 'string' }, seed: { type: 'string' } } as const
  const { values } = parseArgs({ options })
  const { records, seed } = defaults()
  const counts = await testMemory(tested, {
    records: Number(values.records ?? records),
    seed: Number(values.seed ?? seed),
  })
  console.log(formatCounts(counts))
  process.exitCode = counts.failed === 0 ? 0 : 1
}
