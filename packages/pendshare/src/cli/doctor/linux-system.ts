/** Findings on Linux about what the driver is loaded into: processor, kernel, and who that kernel belongs to. */
import { atLeast } from './common.ts'
import { type Look, missing, note, ready } from './finding.ts'
import type { Machine } from './machine.ts'

const OLDEST_KERNEL = '6.1'
const ARCHITECTURES = ['x64', 'arm64']

export const kernel: Look = {
  name: 'kernel',
  proven: true,
  look({ arch, release }) {
    if (!ARCHITECTURES.includes(arch))
      return missing(`the driver is for x86-64 and arm64, and Node runs as ${arch}`)
    if (!atLeast(release, OLDEST_KERNEL))
      return missing(
        `the kernel ${release} is older than ${OLDEST_KERNEL}; upgrade the system to one that is newer`,
      )
    return ready(`Linux ${release}, ${arch}`)
  },
}

/** The kind of container that this process is in, or `undefined`. */
export function containerOf(machine: Machine): string | undefined {
  if (machine.read('/run/.containerenv') !== undefined) return 'podman'
  if (machine.read('/.dockerenv') !== undefined) return 'docker'
  const told = machine.read('/run/systemd/container')?.trim()
  if (told) return told
  return /\b(docker|kubepods|containerd|lxc|libpod)\b/.exec(machine.read('/proc/1/cgroup') ?? '')?.[1]
}

export const container: Look = {
  name: 'container',
  proven: true,
  look(machine) {
    const kind = containerOf(machine)
    if (kind === undefined) return undefined
    const run = ['docker', 'podman'].includes(kind)
      ? `start this one with ${kind} run --device /dev/pendshare`
      : 'pass /dev/pendshare to this one'
    return note(`inside ${kind}: the driver belongs to the host, so run doctor there too, and ${run}`)
  },
}

export function isWsl(machine: Machine): boolean {
  return /microsoft/i.test(machine.read('/proc/version') ?? '')
}

export const wsl: Look = {
  name: 'wsl',
  proven: true,
  look(machine) {
    if (!isWsl(machine)) return undefined
    if (/WSL2/i.test(machine.release))
      return note(
        'the kernel of WSL 2 has no package of headers: build one from github.com/microsoft/WSL2-Linux-Kernel and name it in .wslconfig, or use a virtual machine',
      )
    return missing('WSL 1 has no Linux kernel to load a driver into; use a virtual machine')
  },
}
