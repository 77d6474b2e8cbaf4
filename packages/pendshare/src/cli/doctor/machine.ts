/** What the findings of `pendshare doctor` are made from: the machine as this process sees it. */
import type { AddonOrigin, Probe } from '@pendshare/core'

export interface NodeStatus {
  readonly uid: number
  readonly gid: number
  readonly mode: number
  readonly characterDevice: boolean
  readonly major: number
  readonly minor: number
}

/** What Node's permission model allows. */
export interface Permission {
  readonly addons: boolean
  readonly read: boolean
}

export interface Machine {
  readonly platform: NodeJS.Platform
  readonly arch: string
  /** Of the system, as `uname -r` has it. */
  readonly release: string
  /** Node's version without its `v`, and the oldest that this package runs on. */
  readonly node: string
  readonly oldestNode: string
  /** Of this package. */
  readonly version: string
  /** Program, Node's flags and the rest of the command line of this process. */
  readonly commandLine: readonly [program: string, flags: readonly string[], ...rest: string[]]
  /** `undefined`: everything is allowed. */
  readonly permission: Permission | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Effective; -1 on Windows. */
  readonly uid: number
  readonly groups: readonly number[]
  /** `undefined`: the system has no name for this user. */
  readonly user: string | undefined
  /** How much memory is to be lent, and what this user's programs have lent already. */
  readonly bytes: number
  readonly pinnedBytes: number

  /** `undefined`: there is none. Throws `Unreadable` for what is there and cannot be read. */
  read(path: string): string | undefined
  readBytes(path: string): Uint8Array | undefined
  /** Names in a directory; none where there is no such directory. */
  list(path: string): readonly string[]
  status(path: string): NodeStatus | undefined
  /** A field of the installed module, as `modinfo` has it; `undefined` where that cannot be asked. */
  moduleField(name: 'version' | 'signer'): string | undefined
  /** Throws a `PendshareError` whose message says what to do. */
  loadAddon(): AddonOrigin
  /** Of this system's backend; `undefined` where there is none. */
  readonly probe: Probe | undefined
}

export class Unreadable extends Error {
  override readonly name = 'Unreadable'
}

/** A line for the shell that runs this process anew with what the permission model lacks. */
export function rerun({ commandLine: [program, flags, ...rest], permission }: Machine): string {
  const added = [
    ...(permission?.read === false ? ['--allow-fs-read=*'] : []),
    ...(permission?.addons === false ? ['--allow-addons'] : []),
  ]
  return [program, ...flags, ...added, ...rest].map(quote).join(' ')
}

function quote(word: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
