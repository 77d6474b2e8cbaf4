/**
 * Runs one command in a VM on a real kernel, with the driver loaded, and judges the whole run: the command, the kernel log,
 * pages left pinned, leaks, and whether the module went away. As a program: `node run.ts [options] -- command args...`
 */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { followFile, readFindings, STILL_S, watchPulse, writeJob } from './job.ts'
import { KERNELS_HELP, type Kernel, obtainKernel } from './kernels.ts'
import { diedBooting, problemsIn } from './klog.ts'
import { buildModule, moduleExists } from './module.ts'
import { makePorts, type Port, servePorts } from './ports.ts'
import { chooseAccelerator, type Loader, runMachine } from './qemu.ts'
import { pullOnRequest } from './slots.ts'
import { stripSources } from './stripped.ts'
import { userlandFor } from './userland.ts'

export interface VmOptions {
  /** A name of kernels.ts, or a release. */
  readonly kernel: string
  readonly command: readonly string[]
  /** Directories that come before PATH. */
  readonly path?: readonly string[]
  /** Environment of the command beside PATH, HOME, TMPDIR, LANG and PENDSHARE_SCRATCH. */
  readonly env?: Readonly<Record<string, string>>
  /** Directory that the command starts in; default: this process's own. */
  readonly cwd?: string
  /** Processors, default 2. */
  readonly smp?: number
  /** Default 1024. */
  readonly memoryMiB?: number
  /** Limit on the guest's life in seconds, default 600; it then dumps its tasks to the kernel log and stops. */
  readonly timeoutS?: number
  /** true: build and load the driver; false: none; paths: load these .ko files in this order. Default: the driver if its sources exist. */
  readonly module?: boolean | readonly string[]
  /** Directories in drivers/ with kernel peers to build and load after the driver. */
  readonly peers?: readonly string[]
  /** Parameters of pendshare.ko, as on insmod's command line. */
  readonly moduleOptions?: string
  /** Runs the command as uid and gid 1000, in the device's group and without capabilities; default: as root. */
  readonly unprivileged?: boolean
  /** More words for the kernel's command line. */
  readonly commandLine?: string
  /** What brings the kernel into the machine; default: QEMU itself. */
  readonly loader?: Loader
  /** More devices of the machine, as QEMU's -device takes them. */
  readonly devices?: readonly string[]
  /** What this side does with the virtio consoles among them. */
  readonly ports?: readonly Port[]
  /** Memory that devices name, as QEMU's -object takes it. */
  readonly objects?: readonly string[]
  /** Devices in hot-plug slots: a name that the command appends to $PENDSHARE_SCRATCH/pull is pulled out, and plugged in again. amd64 only. */
  readonly slots?: readonly string[]
  /** Devices get at memory by an IOMMU's addresses alone. amd64 only. */
  readonly iommu?: boolean
  /** false: Node without V8's compilers, whose code an emulated processor has to translate once more. */
  readonly compilers?: boolean
  /** Host directory that the command may write, at $PENDSHARE_SCRATCH; default: one that vanishes afterwards. */
  readonly scratch?: string
  /** Sees the command's output as it comes; default: it goes to this process's stdout. */
  readonly onOutput?: (text: string) => void
  /** Sees the kernel log as it comes. */
  readonly onConsole?: (text: string) => void
}

export interface VmResult {
  /** Of the command; undefined when it did not come to its end. */
  readonly exitCode: number | undefined
  readonly output: string
  readonly kernelLog: string
  /** Everything that fails the run whatever the command says; empty when all is well. */
  readonly problems: readonly string[]
}

/**
 * Boots, runs, judges. Rejects only when the run could not be set up (packages, downloads, the module's build). A signal that
 * ends this process meanwhile does so when the machine is gone and nothing of it is left on disk.
 */
export async function runInVm(options: VmOptions): Promise<VmResult> {
  const kernel = await obtainKernel(options.kernel)
  const modules = await modulesFor(kernel, options.module ?? moduleExists(), options.peers)
  const accelerator = await chooseAccelerator(kernel)
  const interrupt = new AbortController()
  const stop = (signal: NodeJS.Signals) => interrupt.abort(signal)
  for (const signal of ENDING) process.on(signal, stop)
  try {
    for (let boots = 1; ; boots++) {
      const result = await bootOnce(options, kernel, modules, accelerator, interrupt.signal)
      if (accelerator === 'kvm' || boots === MOST_BOOTS || !diedBooting(result.kernelLog)) return result
      console.error(`vm: the emulated kernel ${kernel.name} died before anything was loaded; booting again`)
    }
  } finally {
    for (const signal of ENDING) process.off(signal, stop)
    if (interrupt.signal.aborted) process.kill(process.pid, interrupt.signal.reason)
  }
}

/** QEMU's emulation of several processors now and then runs an instruction that another one is just patching, of which the kernel dies. */
const MOST_BOOTS = 3

async function bootOnce(
  options: VmOptions,
  kernel: Kernel,
  modules: readonly string[],
  accelerator: 'kvm' | 'tcg',
  signal: AbortSignal,
): Promise<VmResult> {
  const directory = await mkdtemp(join(tmpdir(), 'pendshare-vm-'))
  try {
    return await boot(options, kernel, modules, accelerator, directory, signal)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

async function boot(
  options: VmOptions,
  kernel: Kernel,
  modules: readonly string[],
  accelerator: 'kvm' | 'tcg',
  directory: string,
  signal: AbortSignal,
): Promise<VmResult> {
  const job = join(directory, 'job')
  const scratch = resolve(options.scratch ?? join(directory, 'scratch'))
  const timeoutS = options.timeoutS ?? 600
  const userland = await userlandFor(kernel.architecture)
  await chmod(directory, 0o711) // for a command that runs unprivileged
  await mkdir(job)
  await mkdir(scratch, { recursive: true })
  if (!options.scratch) await chmod(scratch, 0o1777)
  await writeJob(job, {
    command: options.command,
    cwd: options.cwd ?? process.cwd(),
    env: { ...(await stripSources(join(directory, 'js'), options.compilers ?? true)), ...options.env },
    path: [...userland.bin, ...(options.path ?? []), process.env.PATH ?? '/usr/bin:/bin'],
    binds: userland.binds,
    modules,
    moduleOptions: options.moduleOptions ?? '',
    unprivileged: options.unprivileged ?? false,
    timeoutS,
  })
  const ports = join(directory, 'ports')
  const chardevs = await makePorts(ports, options.ports ?? [])
  const slots = options.slots && { devices: options.slots, socket: join(directory, 'qmp') }
  const over = new AbortController()
  const served = servePorts(ports, options.ports ?? [], over.signal)
  const pulled = slots && pullOnRequest(slots, join(scratch, 'pull'), over.signal)
  const output = followFile(join(job, 'output'), options.onOutput ?? ((text) => process.stdout.write(text)))
  const pulse = watchPulse(job)
  const end = await runMachine({
    kernel,
    accelerator,
    smp: options.smp ?? 2,
    memoryMiB: options.memoryMiB ?? 1024,
    shares: [
      { tag: 'root', path: '/', readOnly: true },
      { tag: 'job', path: job, readOnly: false },
      { tag: 'scratch', path: scratch, readOnly: false },
    ],
    appendix: options.commandLine,
    loader: options.loader,
    devices: options.devices,
    chardevs,
    slots,
    objects: options.objects,
    iommu: options.iommu,
    // The guest's own limit comes first; this one is for a guest that does not come round to it.
    timeoutS: timeoutS + 90,
    signal: AbortSignal.any([signal, pulse.signal]),
    onConsole: options.onConsole,
  }).finally(() => {
    over.abort()
    pulse.stop()
    return output.stop()
  })
  const findings = await readFindings(job)
  const problems = [
    ...problemsIn(end.console),
    ...findings.problems,
    ...(await served),
    ...((await pulled) ?? []),
  ]
  if (end.timedOut) problems.push(`the machine was stopped after ${timeoutS + 90} s`)
  if (pulse.signal.aborted) problems.push(`the machine stood still for ${STILL_S} s, and was stopped`)
  if (end.complaints) problems.push(`qemu: ${end.complaints.trim()}`)
  return { exitCode: findings.exitCode, output: await output.stop(), kernelLog: end.console, problems }
}

async function modulesFor(
  kernel: Kernel,
  wish: boolean | readonly string[],
  peers: readonly string[] = [],
): Promise<readonly string[]> {
  if (typeof wish !== 'boolean') return wish
  return wish ? buildModule(kernel, peers) : []
}

/** 0 when the run is clean; the command's own code when it failed; 1 when only the kernel is discontent. */
export function exitCodeOf(result: VmResult): number {
  return result.exitCode || (result.problems.length > 0 ? 1 : (result.exitCode ?? 1))
}

function positive(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('want a whole number from 1 up')
  return value
}

interface Flags {
  kernel: string
  smp: number
  memory?: number
  timeout: number
  module: boolean
  peer: string[]
  device: string[]
  moduleOptions: string
  unprivileged?: boolean
  scratch?: string
  env: string[]
  log?: boolean
}

async function main(): Promise<void> {
  const program = new Command('run.ts')
    .description(
      'run one command in a VM on a real kernel with the driver loaded; fails when the kernel is discontent',
    )
    .argument('<command...>', 'the command and its arguments, after --')
    .option('--kernel <name>', 'kernel to boot', '6.12')
    .addHelpText('after', KERNELS_HELP)
    .option('--smp <n>', 'processors', positive, 2)
    .option('--memory <MiB>', 'memory of the guest', positive)
    .option('--timeout <s>', "limit on the guest's life", positive, 600)
    .option('--no-module', 'do not load the driver')
    .option('--peer <dir...>', 'load the kernel peer in this directory of drivers/ too', collect, [])
    .option('--device <name...>', "a device of the machine, as QEMU's -device takes it", collect, [])
    .option('--module-options <text>', 'parameters of pendshare.ko', '')
    .option('--unprivileged', "run as uid 1000 in the device's group")
    .option('--scratch <dir>', 'host directory to appear at $PENDSHARE_SCRATCH')
    .option('--env <NAME=value...>', 'set a variable for the command; may be repeated', collect, [])
    .option('--log', 'print the kernel log even when nothing is wrong')
    .parse()
  const flags = program.opts<Flags>()
  const result = await runInVm({
    kernel: flags.kernel,
    command: program.args,
    env: Object.fromEntries(flags.env.map((pair) => pair.split(/=(.*)/s, 2) as [string, string])),
    smp: flags.smp,
    timeoutS: flags.timeout,
    peers: flags.peer,
    devices: flags.device,
    moduleOptions: flags.moduleOptions,
    unprivileged: flags.unprivileged ?? false,
    ...(flags.memory === undefined ? {} : { memoryMiB: flags.memory }),
    ...(flags.module ? {} : { module: false }),
    ...(flags.scratch === undefined ? {} : { scratch: flags.scratch }),
  })
  report(result, flags.log ?? false)
  process.exitCode = exitCodeOf(result)
}

function collect(value: string, previous: string[]): string[] {
  return [...previous, value]
}

/** Prints the kernel log where it matters, without the boot if that went well, the problems, and a last line with the outcome. */
export function report(result: VmResult, always: boolean): void {
  const ready = result.kernelLog.search(/^.*pendshare-vm: alive/m)
  if (always || result.problems.length > 0)
    console.error(`--- kernel log\n${result.kernelLog.slice(Math.max(0, ready))}---`)
  for (const problem of result.problems) console.error(`problem: ${problem}`)
  const exit = result.exitCode === undefined ? 'did not end' : `exit code ${result.exitCode}`
  console.error(`vm: command ${exit}, ${result.problems.length} problems`)
}

if (import.meta.main) {
  try {
    await main()
  } catch (error) {
    console.error(`vm: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
}
