/** The bed's own test: a module that goes wrong on purpose, in one boot for each way, and every run must fail for the right reason. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { add, type Counts, formatCounts, nothing } from '../counts.ts'
import { obtainKernel } from './kernels.ts'
import { buildModules } from './module.ts'
import { runInVm } from './run.ts'

interface Fault {
  /** What the module does wrong, in this order. */
  readonly faults: string
  readonly kernel: string
  /** Problems that the run must report, each by itself. */
  readonly expected: readonly RegExp[]
  readonly command?: readonly string[]
  readonly timeoutS?: number
}

const runs: readonly Fault[] = [
  {
    faults: 'warning,pinned,busy',
    kernel: '6.12',
    expected: [
      /^WARNING: .*pendshare_broken/,
      /pages left pinned: acquired (\d+), released (?!\1\b)\d+/,
      /module pendshare_broken cannot be unloaded/,
    ],
  },
  {
    faults: 'null',
    kernel: '6.12',
    expected: [/^BUG: .*NULL pointer dereference/, /the guest did not come to the end of its report/],
  },
  {
    faults: 'none',
    kernel: '6.12',
    command: ['sleep', '1000'],
    timeoutS: 5,
    expected: [/^timeout: .*running the command/, /the command did not end/],
  },
  {
    // lockdep first: it falls silent after any other report.
    faults: 'lock-inversion,sleep-in-atomic,use-after-free,leak',
    kernel: 'debug',
    expected: [
      /^lockdep: .*possible circular locking/,
      /^BUG: .*sleeping function called from invalid context/,
      /^KASAN: .*slab-use-after-free in use_after_free/,
      /^leak: /,
    ],
  },
]

export async function testGate(name: string): Promise<Counts> {
  const wanted = runs.filter(({ kernel }) => kernel === name)
  if (wanted.length === 0) return nothing
  const module = await buildModules(
    await obtainKernel(name),
    join(import.meta.dirname, 'test'),
    ['broken'],
    'broken',
  )
  let counts = add(await testBuild(name), await testInterrupt(name))
  for (const run of wanted) counts = add(counts, await testRun(module, run))
  console.log(`linux-vm ${name} gate: ${formatCounts(counts)}`)
  return counts
}

/** A module that draws one remark from the compiler and one from sparse must not pass as built. */
async function testBuild(name: string): Promise<Counts> {
  const build = buildModules(
    await obtainKernel(name),
    join(import.meta.dirname, 'test'),
    ['sloppy'],
    'sloppy',
  )
  const text = await build.then(
    () => 'no complaint',
    (error: Error) => error.message,
  )
  const missed = [/set_but_unused/, /address space/].filter((pattern) => !pattern.test(text))
  console.log(
    `linux-vm ${name} gate: sloppy build: ${missed.length === 0 ? 'refused' : `NOT refused: ${text}`}`,
  )
  return { ...nothing, passed: 2 - missed.length, failed: missed.length }
}

/** A run that is interrupted ends by that signal, and takes its machine and its files with it. */
async function testInterrupt(name: string): Promise<Counts> {
  const directory = await mkdtemp(join(tmpdir(), 'pendshare-gate-'))
  const program = join(import.meta.dirname, 'run.ts')
  const argv = ['--kernel', name, '--no-module', '--', 'sh', '-c', 'echo started; sleep 1000']
  const flags = ['--conditions=@pendshare/source', '--disable-warning=ExperimentalWarning']
  const run = spawn(process.execPath, [...flags, program, ...argv], {
    env: { ...process.env, TMPDIR: directory },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(run, 'close')
  run.stdout.on('data', (text) => String(text).includes('started') && run.kill('SIGINT'))
  const [, signal] = await ended
  const clean = signal === 'SIGINT' && (await readdir(directory)).length === 0
  await rm(directory, { recursive: true })
  console.log(
    `linux-vm ${name} gate: interrupted: ${clean ? 'nothing left' : `ended by ${signal}, NOT clean`}`,
  )
  return { ...nothing, passed: clean ? 1 : 0, failed: clean ? 0 : 1 }
}

async function testRun(module: readonly string[], run: Fault): Promise<Counts> {
  const start = performance.now()
  const result = await runInVm({
    kernel: run.kernel,
    module,
    moduleOptions: `faults=${run.faults}`,
    command: run.command ?? ['true'],
    timeoutS: run.timeoutS ?? 120,
    onOutput: () => {},
  })
  const missed = run.expected.filter((pattern) => !result.problems.some((text) => pattern.test(text)))
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const what = `linux-vm ${run.kernel} gate: ${run.faults}${run.command ? ` (${run.command.join(' ')})` : ''}`
  console.log(`${what}: ${missed.length === 0 ? 'all noticed' : 'NOT all noticed'} (${seconds} s)`)
  for (const pattern of missed)
    console.log(`wanted ${pattern}, got:\n${result.problems.join('\n') || 'no problem'}`)
  if (missed.length > 0) console.log(result.kernelLog.split('\n').slice(-80).join('\n'))
  return { ...nothing, passed: run.expected.length - missed.length, failed: missed.length }
}
