/** QEMU: how a guest is started, and whether KVM works here. A machine's life is bounded by a time limit, whatever the guest does. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensurePackages } from '../apt.ts'
import { cached } from '../cache.ts'
import { mustRun } from '../command.ts'
import { initramfs } from './initramfs.ts'
import type { Kernel } from './kernels.ts'
import { type Slots, slotArguments } from './slots.ts'

export type Accelerator = 'kvm' | 'tcg'

export interface Share {
  readonly tag: string
  readonly path: string
  readonly readOnly: boolean
}

/**
 * What brings the kernel into the machine where that is not QEMU itself: resolves with QEMU's arguments for it, the machine's type
 * among them. Whatever it is, the guest ends as soon as it restarts.
 */
export type Loader = (initramfs: string, commandLine: string) => Promise<readonly string[]>

export interface MachineOptions {
  readonly kernel: Kernel
  readonly accelerator: Accelerator
  readonly smp: number
  readonly memoryMiB: number
  readonly shares: readonly Share[]
  /** More devices, as QEMU's -device takes them. */
  readonly devices?: readonly string[] | undefined
  /** What they have at their other ends, as QEMU's -chardev takes it. */
  readonly chardevs?: readonly string[] | undefined
  /** Devices in hot-plug slots, which can be pulled out of them. amd64 only. */
  readonly slots?: Slots | undefined
  /** Memory that devices name, as QEMU's -object takes it. */
  readonly objects?: readonly string[] | undefined
  /** Devices get at memory by an IOMMU's addresses alone. amd64 only. */
  readonly iommu?: boolean | undefined
  /** More words for the kernel's command line. */
  readonly appendix?: string | undefined
  readonly loader?: Loader | undefined
  /** The machine is killed after this many seconds. */
  readonly timeoutS: number
  /** Aborting kills the machine. */
  readonly signal?: AbortSignal
  /** Sees the console as it comes, and can type on it. */
  readonly onConsole?: ((text: string, type: (keys: string) => void) => void) | undefined
}

export interface MachineEnd {
  readonly console: string
  readonly timedOut: boolean
  /** What QEMU itself had to say: why it did not start, why it died. */
  readonly complaints: string
}

export async function runMachine(options: MachineOptions): Promise<MachineEnd> {
  const { packageName, program } = QEMU[options.kernel.architecture]
  await ensurePackages([packageName])
  const args = await qemuArguments(options)
  const { promise, resolve, reject } = Promise.withResolvers<MachineEnd>()
  const serial = await openPipe()
  // The machine dies with this process, however that ends.
  const argv = ['--pdeathsig', 'KILL', program, ...args]
  const qemu = spawn('setpriv', argv, { stdio: ['pipe', serial.writer, 'pipe'] })
  closeSync(serial.writer)
  const told = once(serial.reader, 'close')
  // Who types to a machine that ends at this moment need not know.
  qemu.stdin?.on('error', () => {})
  let log = ''
  let complaints = ''
  let timedOut = false
  const kill = () => qemu.kill('SIGKILL')
  const timer = setTimeout(() => {
    timedOut = true
    kill()
  }, options.timeoutS * 1000)
  options.signal?.addEventListener('abort', kill, { once: true })
  if (options.signal?.aborted) kill()
  serial.reader.setEncoding('utf8').on('data', (text: string) => {
    const clean = text.replaceAll('\r', '')
    log += clean
    options.onConsole?.(clean, (keys) => qemu.stdin?.write(keys))
  })
  qemu.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  qemu.on('error', reject)
  qemu.on('close', async (code, signal) => {
    await told
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', kill)
    if (signal && !timedOut && !options.signal?.aborted) complaints += `qemu ended by ${signal}\n`
    else if (code) complaints += `qemu exit code ${code}\n`
    if (options.iommu) complaints = complaints.replaceAll(IOMMU.complaints, '')
    resolve({ console: log, timedOut, complaints })
  })
  return promise
}

/**
 * A pipe of the kernel's, where spawn() would take a pair of sockets: those count each byte that the serial port writes as a whole buffer,
 * are full after some 300, and what a firmware writes then is lost, for it does not wait long.
 */
async function openPipe(): Promise<{ reader: Socket; writer: number }> {
  const directory = await mkdtemp(join(tmpdir(), 'pendshare-console-'))
  try {
    const path = join(directory, 'pipe')
    await mustRun(['mkfifo', path])
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    return {
      reader: new Socket({ fd: reader, readable: true, writable: false }),
      writer: openSync(path, 'w'),
    }
  } finally {
    await rm(directory, { recursive: true })
  }
}

const QEMU = {
  amd64: { packageName: 'qemu-system-x86', program: 'qemu-system-x86_64' },
  arm64: { packageName: 'qemu-system-arm', program: 'qemu-system-aarch64' },
} as const

const MACHINES = {
  pc: { machine: 'pc', transport: 'pci' },
  q35: { machine: 'q35', transport: 'pci' },
  microvm: { machine: 'microvm,acpi=off,pit=on,pic=on,rtc=on,isa-serial=on', transport: 'device' },
  virt: { machine: 'virt', transport: 'pci' },
} as const

/** Which no machine of its kernel's has by itself. QEMU says of each access that it was stopped: whoever has one provokes that. */
const IOMMU = {
  devices: ['-device', 'intel-iommu'],
  commandLine: 'intel_iommu=on',
  complaints: /^.*: (vtd_\w+: detected|New fault is not recorded).*\n/gm,
}

async function qemuArguments(options: MachineOptions): Promise<string[]> {
  const { kernel, accelerator } = options
  const { machine, transport } = MACHINES[options.iommu || options.slots ? 'q35' : kernel.machine]
  const append = [
    'loglevel=7 printk.time=1 panic=-1 oops=panic mitigations=off',
    // An emulated processor on a busy host stands still now and then: that alone is no lockup, and no fault of its clock.
    'rcupdate.rcu_cpu_stall_timeout=120',
    kernel.architecture === 'amd64'
      ? 'console=ttyS0 reboot=t no_timer_check tsc=reliable'
      : 'console=ttyAMA0',
    kernel.architecture === 'amd64' && accelerator === 'tcg' ? await clockRate() : '',
    options.iommu ? IOMMU.commandLine : '',
    options.appendix ?? '',
  ]
  const commandLine = append.join(' ').trim()
  const initrd = await initramfs(kernel)
  const loading = (await options.loader?.(initrd, commandLine)) ?? [
    ...['-machine', machine, ...(options.iommu ? IOMMU.devices : [])],
    ...['-kernel', kernel.image, '-initrd', initrd, '-append', commandLine],
  ]
  return [
    ...loading,
    ...['-accel', accelerator === 'kvm' ? 'kvm' : 'tcg,thread=multi,tb-size=512'],
    // Emulated at full strength, pointer authentication takes half of arm64's time.
    ...[
      '-cpu',
      accelerator === 'kvm' ? 'host' : kernel.architecture === 'amd64' ? 'max' : 'max,pauth-impdef=on',
    ],
    ...['-smp', String(options.smp), '-m', String(options.memoryMiB)],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', 'stdio'],
    ...options.shares.flatMap(({ tag, path, readOnly }) => [
      '-fsdev',
      `local,id=${tag},path=${path.replaceAll(',', ',,')},security_model=none,multidevs=remap,readonly=${readOnly ? 'on' : 'off'}`,
      '-device',
      `virtio-9p-${transport},fsdev=${tag},mount_tag=${tag}`,
    ]),
    ...(options.slots ? slotArguments(options.slots) : []),
    ...(options.objects ?? []).flatMap((object) => ['-object', object]),
    ...(options.chardevs ?? []).flatMap((chardev) => ['-chardev', chardev]),
    ...(options.devices ?? []).flatMap((device) => ['-device', device]),
  ]
}

/**
 * Under TCG the guest reads the host's time stamp counter, and on a busy host fails to measure its rate against timer ticks
 * that come late: its time then goes slow and its timers become coarse. So it is told the rate, where it is known: in a
 * virtual machine "cpu MHz" is just that; on bare metal it would be the processor's speed of the moment.
 */
async function clockRate(): Promise<string> {
  const info = await readFile('/proc/cpuinfo', 'utf8')
  const megahertz = Number(/^cpu MHz\s*: ([\d.]+)$/m.exec(info)?.[1])
  const known = /^flags\s*:.* constant_tsc .*\bhypervisor\b/m.test(info) && megahertz > 0
  return known ? `tsc_early_khz=${Math.round(megahertz * 1000)}` : ''
}

/**
 * KVM where a guest really gets as far as init with it, else TCG: /dev/kvm may exist and every guest hang or die (nested
 * machines do that), so one is tried, for at most 20 seconds, once for each boot of this machine and each kernel.
 * PENDSHARE_ACCEL=kvm or tcg decides without trying.
 */
export async function chooseAccelerator(kernel: Kernel): Promise<Accelerator> {
  const wish = process.env.PENDSHARE_ACCEL
  if (kernel.architecture !== 'amd64') return 'tcg'
  if (wish === 'kvm' || wish === 'tcg') return wish
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  const file = join(
    await cached(`accelerator-${boot}-${kernel.id}`, async (into) => {
      await writeFile(join(into, 'choice'), await probe(kernel))
    }),
    'choice',
  )
  return (await readFile(file, 'utf8')) === 'kvm' ? 'kvm' : 'tcg'
}

async function probe(kernel: Kernel): Promise<Accelerator> {
  const end = await runMachine({
    kernel,
    accelerator: 'kvm',
    smp: 2,
    memoryMiB: 512,
    shares: [],
    appendix: 'pendshare.probe',
    timeoutS: 20,
  })
  const usable = end.console.includes('pendshare-vm: alive')
  console.log(usable ? 'KVM works here' : 'KVM does not work here; emulating (TCG)')
  return usable ? 'kvm' : 'tcg'
}
