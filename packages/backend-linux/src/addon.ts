/** The native addon: what native/ exports, and how it is found. It loads when it is first needed, not at import. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { PendshareError } from '@pendshare/core'

/** The requests return 0 or an errno; those documented to throw throw an `Error` with `errno`. */
export interface NativeDevice {
  /** Throws. */
  info(): NativeInfo
  /**
   * Begins to wait for events. `wake` is called on the event loop with the number of events in `slots`; `over`: no
   * other will come. `false`: the device was opened to be polled, and that is not to be had here. Throws.
   */
  start(slots: Float64Array, wake: (count: number, over: boolean) => void): boolean
  share(...request: NativeShare): number
  /** Pins on a thread of libuv's pool. */
  shareOnPool(...request: NativeShare): Promise<number>
  /** Without PENDSHARE_END_NOWAIT the share has ended on return, and its END is in the first slot. */
  release(id: number, flags: number): number
  cancel(id: number, flags: number): number
  notify(id: number): number
  /** Whether waiting keeps the event loop alive. */
  hold(alive: boolean): void
  shutdown(): number
  /** For administrators: ends every share of the driver, at once or after a time of grace. */
  revoke(graceMs: number): number
  /** Ends what is left, waits for it, and closes the file. */
  close(): void
}

/** The last three only where there is any of them: each argument costs a call into Node. */
export type NativeShare = [
  id: number,
  memory: Uint8Array,
  access: number,
  label: string,
  deadlineMs: number,
  ...peer: [peer: string, options: Uint8Array, event: bigint | undefined] | [],
]

export interface NativeInfo {
  readonly abi: number
  readonly version: number
  readonly pageSize: number
  readonly maxBytes: number
  readonly maxShares: number
  readonly minPeriodNs: number
  readonly shares: number
  readonly pinnedPages: number
  readonly totalPinnedPages: number
  readonly peers: readonly string[]
}

/** The numbers of abi.h, by its names. */
export type Abi = Readonly<Record<`PENDSHARE_${AbiNumber}`, number>>

type AbiNumber =
  | 'ABI_VERSION'
  | `ACCESS_${'READ' | 'WRITE'}`
  | 'END_NOWAIT'
  | `EVENT_${'DOORBELL' | 'END' | 'RECALL' | 'REMOVED'}`
  | 'RELEASED'
  | 'CANCELLED'
  | 'CLOSED'
  | 'OWNER_EXITED'
  | 'DEVICE_REMOVED'
  | 'PEER_ENDED'
  | 'DEADLINE'
  | 'RECALLED'
  | 'FAILED'
  | `FAILURE_${'RING' | 'PEER'}`

export interface Addon {
  readonly abi: Abi
  /** The errnos that abi.h names, and those of opening a device. */
  readonly errno: Readonly<Record<string, number>>
  /** Numbers that an event takes in `slots`: id, kind, reason, value, failure. */
  readonly eventFields: number
  /** Whether a device can be polled by the event loop: this build and this runtime have the libuv for it. */
  readonly canPoll: boolean
  /** Throws. */
  openDevice(path: string, poll: boolean): NativeDevice
  /** RLIMIT_MEMLOCK in bytes; Infinity without a limit. */
  memlockLimit(): number
  /** Where a view lies in memory; 0n when it is detached. */
  addressOf(view: Uint8Array): bigint
}

const FILE = 'pendshare_linux.node'

/** A build of one's own comes first. The paths are the same from src/ and from dist/. */
const PLACES = [`../build/Release/${FILE}`, `../prebuilds/linux-${process.arch}/${FILE}`]

const require = createRequire(import.meta.url)
let loaded: Addon | undefined

/**
 * Loads the addon, once.
 *
 * @throws PendshareError `ERR_PENDSHARE_ADDON`, `ERR_PENDSHARE_ADDON_FORBIDDEN`
 */
export function loadAddon(): Addon {
  loaded ??= requireFirst()
  return loaded
}

function requireFirst(): Addon {
  for (const place of PLACES) {
    try {
      return require(place)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code !== 'MODULE_NOT_FOUND') throw loadError(place, code, error)
    }
  }
  throw new PendshareError('ERR_PENDSHARE_ADDON', `the native addon is not built; ${HOW_TO_BUILD}`)
}

const HOW_TO_BUILD =
  'install cmake and a C++ compiler, then run ' +
  `\`npx cmake-js compile\` in ${fileURLToPath(new URL('..', import.meta.url))}`

function loadError(place: string, code: unknown, cause: unknown): PendshareError {
  if (code === 'ERR_DLOPEN_DISABLED') {
    return new PendshareError(
      'ERR_PENDSHARE_ADDON_FORBIDDEN',
      'Node runs with --permission and may not load the native addon; add --allow-addons',
      { cause },
    )
  }
  const detail = cause instanceof Error ? cause.message : String(cause)
  return new PendshareError('ERR_PENDSHARE_ADDON', `${place} does not load (${detail}); ${HOW_TO_BUILD}`, {
    cause,
  })
}
