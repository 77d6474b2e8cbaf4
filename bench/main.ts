/** `npm run bench`: boots a VM, measures every row in it, and prints a table; JSON and plots on demand. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, machine, release, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { buildAddon } from '../testbed/build.ts'
import { mustRun } from '../testbed/command.ts'
import { scratchInGuest } from '../testbed/linux-vm/job.ts'
import { obtainKernel } from '../testbed/linux-vm/kernels.ts'
import { buildModule, buildModules } from '../testbed/linux-vm/module.ts'
import { portDevices, serialPortDevices } from '../testbed/linux-vm/ports.ts'
import { chooseAccelerator } from '../testbed/linux-vm/qemu.ts'
import { exitCodeOf, report as reportVm, runInVm } from '../testbed/linux-vm/run.ts'
import { buildNative } from './native.ts'
import { HOST_PARTS, isPart, PARTS, type Part } from './parts.ts'
import { plots } from './plot.ts'
import type { Report, Row } from './rows.ts'
import { publish } from './summary.ts'
import { table } from './table.ts'

interface Flags {
  host?: true
  only: readonly Part[]
  kernel: string
  runs: number
  json?: string
  plots?: string
  publish?: true
}

const repository = resolve(import.meta.dirname, '..')
const ROWS = 'rows.json'

async function measureInVm(
  { kernel: name, runs, only }: Flags,
  native: string,
  scratch: string,
): Promise<Report> {
  const kernel = await obtainKernel(name)
  await buildAddon()
  const modules = [
    ...(await buildModule(kernel, ['examples/linux'])),
    ...(await buildModules(kernel, join(repository, 'bench'), ['module'], 'module')),
  ]
  const accelerator = await chooseAccelerator(kernel)
  const result = await runInVm({
    kernel: name,
    // One processor: with two under emulation, handing over between threads is noise.
    smp: 1,
    memoryMiB: 2048,
    timeoutS: 1500,
    module: modules,
    devices: [...portDevices('frames'), ...serialPortDevices('read')],
    ports: [{ name: 'frames' }, { name: 'read' }],
    scratch,
    command: guest(scratchInGuest, runs, native, only.length > 0 ? only : PARTS),
  })
  if (exitCodeOf(result) !== 0) {
    reportVm(result, false)
    throw new Error('the run in the VM failed')
  }
  return finish(`${kernel.release}, QEMU, 1 processor`, accelerator, scratch)
}

async function measureHere({ runs, only }: Flags, native: string, scratch: string): Promise<Report> {
  console.log('bench: only the rows that need no driver')
  const { output } = await mustRun(guest(scratch, runs, native, only.length > 0 ? only : HOST_PARTS))
  console.log(output.trimEnd())
  return finish(release(), 'none', scratch)
}

/** `out`: directory of what it writes. */
function guest(out: string, runs: number, native: string, parts: readonly Part[]): string[] {
  const flags = ['--conditions=@pendshare/source', '--expose-gc']
  return [
    process.execPath,
    ...flags,
    join(import.meta.dirname, 'guest.ts'),
    join(out, ROWS),
    String(runs),
    native,
    ...parts,
  ]
}

async function finish(kernel: string, accelerator: string, scratch: string): Promise<Report> {
  const rows = JSON.parse(await readFile(join(scratch, ROWS), 'utf8')) as Row[]
  const processor = cpus()[0]?.model.trim() ?? 'unknown processor'
  return { machine: `${processor}, ${machine()}`, kernel, accelerator, date: new Date().toISOString(), rows }
}

async function main(flags: Flags): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'pendshare-bench-'))
  try {
    const native = await buildNative(scratch)
    const report = await (flags.host ? measureHere : measureInVm)(flags, native, scratch)
    console.log(table(report))
    const json = flags.publish ? join(repository, 'bench/results.json') : flags.json
    const directory = flags.publish ? join(repository, 'bench/plots') : flags.plots
    if (json !== undefined) await save(json, `${JSON.stringify(report, undefined, 2)}\n`)
    if (directory !== undefined) {
      for (const [name, svg] of await plots(report)) await save(join(directory, `${name}.svg`), svg)
    }
    if (flags.publish) await publish(repository, report)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function save(path: string, text: string): Promise<void> {
  await mkdir(dirname(resolve(path)), { recursive: true })
  await writeFile(path, text)
  console.log(`bench: wrote ${path}`)
}

function runCount(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 5 || value > 64) throw new InvalidArgumentError('want 5 to 64')
  return value
}

function part(text: string, previous: readonly Part[]): Part[] {
  if (isPart(text)) return [...previous, text]
  throw new InvalidArgumentError(`there are: ${PARTS.join(', ')}`)
}

const flags = new Command('npm run bench --')
  .description('measure pendshare beside what else would do the job')
  .option('--host', 'only the rows that need no driver, on this machine')
  .option('--only <part>', `${PARTS.join(', ')}; may be repeated`, part, [])
  .option('--kernel <name>', 'kernel of the VM', '6.12')
  .option('--runs <n>', 'runs of each contender', runCount, 9)
  .option('--json <file>', 'write the figures to a file')
  .option('--plots <directory>', 'write SVG plots')
  .addOption(
    new Option('--publish', 'write JSON, plots and tables into the repository').conflicts([
      'json',
      'plots',
      'host',
      'only',
    ]),
  )
  .parse()
  .opts<Flags>()

const guestOnly = flags.only.filter((each) => !HOST_PARTS.includes(each))
try {
  if (flags.host && guestOnly.length > 0)
    throw new Error(
      `--host has no driver, which ${guestOnly.join(', ')} needs; it has ${HOST_PARTS.join(', ')}`,
    )
  await main(flags)
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
