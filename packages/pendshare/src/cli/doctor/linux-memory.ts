/** Findings on Linux about memory: how much this process may lock, and huge pages. */
import { formatBytes } from '../bytes.ts'
import { sudo } from './distribution.ts'
import { type Look, missing, note, type Result, ready, unknown } from './finding.ts'
import { containerOf } from './linux-system.ts'
import type { Machine } from './machine.ts'

const CAP_IPC_LOCK = 1n << 14n

export const memlock: Look = {
  name: 'memlock',
  look(machine) {
    const { bytes, pinnedBytes } = machine
    if (mayLockAnything(machine)) return ready('CAP_IPC_LOCK: no limit')
    const limits = limitsOf(machine)
    if (limits === undefined) return unknown('cannot read the limit of locked memory')
    const needed = bytes + pinnedBytes
    const lent = pinnedBytes > 0 ? `, and ${formatBytes(pinnedBytes)} are lent already` : ''
    if (needed <= limits.soft) return ready(`${formatBytes(limits.soft)}, for ${formatBytes(bytes)}${lent}`)
    const detail = `${formatBytes(limits.soft)} may be locked, too little for ${formatBytes(bytes)}${lent}`
    return raise(machine, detail, needed, limits.hard)
  },
}

function mayLockAnything(machine: Machine): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(machine.read('/proc/self/status') ?? '')?.[1]
  return effective !== undefined && (BigInt(`0x${effective}`) & CAP_IPC_LOCK) !== 0n
}

function limitsOf(machine: Machine): { soft: number; hard: number } | undefined {
  const line = /^Max locked memory\s+(\S+)\s+(\S+)/m.exec(machine.read('/proc/self/limits') ?? '')
  if (!line) return undefined
  const number = (text = '') => (text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text))
  return { soft: number(line[1]), hard: number(line[2]) }
}

/** The one of the four ways that holds where this process was started. */
function raise(machine: Machine, detail: string, needed: number, hard: number): Result {
  const root = sudo(machine)
  const kib = Math.ceil(needed / 1024)
  if (needed <= hard) return missing(`${detail}; raise the limit of this shell`, `ulimit -l ${kib}`)
  if (containerOf(machine) !== undefined)
    return missing(`${detail}; start the container with --ulimit memlock=${kib * 1024}`)
  const unit = serviceOf(machine)
  if (unit !== undefined) {
    const directory = `/etc/systemd/system/${unit}.d`
    return missing(
      `${detail}; raise the limit of ${unit}`,
      `${root}mkdir -p ${directory}`,
      `printf '[Service]\\nLimitMEMLOCK=${kib * 1024}\\n' | ${root}tee ${directory}/pendshare.conf`,
      `${root}systemctl daemon-reload`,
      `${root}systemctl restart ${unit}`,
    )
  }
  return missing(
    `${detail}; raise the limit of this user, and log in again after this`,
    `echo '${machine.user ?? '@pendshare'} - memlock ${kib}' | ${root}tee /etc/security/limits.d/pendshare.conf`,
  )
}

/** The systemd service that this process runs in; a session of a user is none. */
function serviceOf(machine: Machine): string | undefined {
  if (machine.env.INVOCATION_ID === undefined) return undefined
  return /\/system\.slice\/(?:.*\/)?([\w@.:\\-]+\.service)/.exec(machine.read('/proc/self/cgroup') ?? '')?.[1]
}

export const hugePages: Look = {
  name: 'huge pages',
  look(machine) {
    const mode = /\[(\w+)\]/.exec(machine.read('/sys/kernel/mm/transparent_hugepage/enabled') ?? '')?.[1]
    const free = Number(/^HugePages_Free:\s*(\d+)/m.exec(machine.read('/proc/meminfo') ?? '')?.[1] ?? 0)
    const detail = `transparent: ${mode ?? 'not in this kernel'}; reserved and free: ${free}`
    if (mode === undefined || mode === 'always') return note(detail)
    return note(
      `${detail}; Node asks for none, so that long memory is pinned in small pages, which takes longer`,
      `echo always | ${sudo(machine)}tee /sys/kernel/mm/transparent_hugepage/enabled`,
    )
  },
}
