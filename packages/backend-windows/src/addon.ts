/** The native addon: what native/ exports, and how it is found. It loads when it is first needed, not at import. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { PendshareError } from '@pendshare/core'

/** The requests return an NTSTATUS, 0 for success; those documented to throw throw an `Error` with `status`. */
export interface NativeDevice {
  /** Throws. */
  info(): NativeInfo
  /**
   * Begins to wait for events. `wake` is called on the event loop with the number of events in `slots`; `over`: the
   * device was shut down and told everything. Throws.
   */
  start(slots: Float64Array, wake: (count: number, over: boolean) => void): void
  /** No error: an event will tell whether the driver accepts it. */
  share(...request: NativeShare): number
  /** Pins on a thread of libuv's pool. */
  shareOnPool(...request: NativeShare): Promise<number>
  end(id: number, cancel: boolean): number
  notify(id: number): number
  /** Whether waiting keeps the event loop alive. */
  hold(alive: boolean): void
  /** Asks for an event of `barrierKind` behind the packets that are there; `false`: it will not come. */
  barrier(): boolean
  shutdown(): number
  /** For administrators: ends every share of the driver, at once or after a time of grace. */
  revoke(graceMs: number): number
  /** Ends what is left, waits for it, and closes the file. */
  close(): void
}

export type NativeShare = [
  id: number,
  memory: Uint8Array,
  access: number,
  peer: string,
  options: Uint8Array,
  event: bigint | undefined,
  label: string,
  deadlineMs: number,
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
  | `EVENT_${'DOORBELL' | 'END' | 'RECALL' | 'REMOVED' | 'ACCEPTED'}`
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
  /** The NTSTATUS codes that abi.h names, and the Win32 errors of opening a device. */
  readonly status: Readonly<Record<string, number>>
  /** Kind of the event that tells of a share which was not accepted; its reason is the NTSTATUS. */
  readonly refusedKind: number
  /** Kind of the event that `barrier()` asks for. */
  readonly barrierKind: number
  /** Numbers that an event takes in `slots`: id, kind, reason, value, failure. */
  readonly eventFields: number
  /** `administrator`: with the right to revoke. Throws. */
  readonly Device: new (
    path: string,
    administrator: boolean,
  ) => NativeDevice
  /** Where a view lies in memory; 0n when it is detached. */
  addressOf(view: Uint8Array): bigint
}

const FILE = 'pendshare_windows.node'

/** A build of one's own comes first. The paths are the same from src/ and from dist/. */
const PLACES = [`../build/Release/${FILE}`, `../prebuilds/win32-${process.arch}/${FILE}`]

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
  'install CMake and the C++ tools of Visual Studio, then run ' +
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
