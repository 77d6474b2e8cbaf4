/** A machine made of text: all is well on it, but for what a test changes. */
import type { Probe } from '@pendshare/core'
import { examine, exitCodeOf, type Finding } from '../../src/cli/doctor/finding.ts'
import { looksFor } from '../../src/cli/doctor/index.ts'
import { type Machine, type NodeStatus, Unreadable } from '../../src/cli/doctor/machine.ts'

export const RELEASE = '6.12.9-test'
export const USABLE: Probe = { usable: true, detail: '/dev/pendshare speaks ABI 1' }

export function unusable(code: string, detail = 'no', remedy = 'do `it`'): Probe {
  return { usable: false, code, detail, remedy }
}

/** `undefined`: no such file. An error: it is there, and cannot be read. */
export type Files = Readonly<Record<string, string | Uint8Array | Error | undefined>>

export interface Changes extends Partial<Omit<Machine, 'read' | 'readBytes' | 'list' | 'status'>> {
  readonly files?: Files
  readonly node_?: Partial<NodeStatus> | 'none'
}

export const limits = (soft: number | string, hard: number | string = soft) =>
  `Limit  Soft Limit  Hard Limit  Units\nMax locked memory         ${soft}    ${hard}    bytes\n`

/** Debian, the driver loaded, and this user in its group. */
const LINUX: Files = {
  '/etc/os-release': 'PRETTY_NAME="Debian"\nID=debian\n',
  '/etc/group': 'root:x:0:\npendshare:x:990:ada,bob\n',
  '/proc/version': 'Linux version 6.12.9-test (gcc)',
  '/proc/1/cgroup': '0::/init.scope',
  '/proc/cmdline': 'BOOT_IMAGE=/vmlinuz root=/dev/sda1',
  '/proc/misc': '125 pendshare\n 229 fuse\n',
  '/proc/self/status': 'CapEff:\t0000000000000000\n',
  '/proc/self/limits': limits(8 << 20),
  '/proc/self/cgroup': '0::/user.slice/user-1000.slice/session-3.scope',
  '/proc/meminfo': 'MemTotal: 1 kB\nHugePages_Free:        4\n',
  '/usr/bin/mokutil': 'a program',
  '/usr/bin/openssl': 'a program',
  '/sys/kernel/mm/transparent_hugepage/enabled': '[always] madvise never',
  '/sys/kernel/security/lockdown': '[none] integrity confidentiality',
  '/sys/module/module/parameters/sig_enforce': 'N\n',
  '/sys/module/pendshare/version': '0.1.0\n',
  [`/lib/modules/${RELEASE}/build/Makefile`]: 'include x',
  [`/lib/modules/${RELEASE}/modules.dep`]: 'kernel/fs/9p/9p.ko:\nupdates/dkms/pendshare.ko.xz: kernel/a.ko\n',
}

/** What makes the driver one that is installed and not loaded, and one that is not installed. */
export const NOT_LOADED: Files = { '/sys/module/pendshare/version': undefined }
export const NOT_INSTALLED: Files = {
  ...NOT_LOADED,
  [`/lib/modules/${RELEASE}/modules.dep`]: 'kernel/fs/9p/9p.ko:\n',
}

export function linuxMachine({ files, node_, ...changes }: Changes = {}): Machine {
  return machine({ ...LINUX, ...files }, node_, changes)
}

export function windowsMachine({ files, ...changes }: Changes = {}): Machine {
  const windows = {
    platform: 'win32',
    release: '10.0.22631',
    uid: -1,
    env: { SystemRoot: 'D:\\Win' },
    commandLine: ['C:\\node.exe', [], 'pendshare', 'doctor'],
  } as const
  return machine(files ?? {}, 'none', { ...windows, ...changes })
}

function machine(files: Files, node: Changes['node_'], changes: Partial<Machine>): Machine {
  const get = (path: string) => {
    const found = files[path]
    if (found instanceof Error) throw new Unreadable(`cannot read ${path}: ${found.message}`)
    return found
  }
  return {
    platform: 'linux',
    arch: 'x64',
    release: RELEASE,
    node: '24.1.0',
    oldestNode: '22.12',
    version: '0.1.0',
    commandLine: ['/opt/node', [], '/opt/pendshare.js', 'doctor'],
    permission: undefined,
    env: {},
    uid: 1000,
    groups: [1000, 990],
    user: 'ada',
    bytes: 1 << 20,
    pinnedBytes: 0,
    read: (path) => {
      const found = get(path)
      return found === undefined ? undefined : Buffer.from(found as string).toString()
    },
    readBytes: (path) => {
      const found = get(path)
      return found === undefined ? undefined : Buffer.from(found as string)
    },
    list: (path) => {
      const start = path.includes('\\') ? `${path}\\` : `${path}/`
      const below = Object.keys(files).filter((each) => files[each] !== undefined && each.startsWith(start))
      return [...new Set(below.map((each) => each.slice(start.length).split(/[/\\]/)[0] ?? ''))]
    },
    status: () =>
      node === 'none'
        ? undefined
        : { uid: 0, gid: 990, mode: 0o20660, characterDevice: true, major: 10, minor: 125, ...node },
    moduleField: (name) => (name === 'version' ? '0.1.0' : ''),
    loadAddon: () => ({ kind: 'prebuilt', path: '/opt/pendshare.node' }),
    probe: USABLE,
    ...changes,
  }
}

export function diagnose(from: Machine) {
  const findings = examine(looksFor(from.platform), from)
  const of = (name: string): Finding | undefined => findings.find((each) => each.name === name)
  const named = (state: string) => findings.filter((each) => each.state === state).map(({ name }) => name)
  return { findings, of, named, exitCode: exitCodeOf(findings) }
}
