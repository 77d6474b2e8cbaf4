/**
 * What a status means to a caller, by request. abi.h says what each one is: a row of its tables is known here by its errno,
 * whatever the system calls it.
 */
import { type ErrorCode, PendshareError, type ShareRequest, type SystemCause } from '@pendshare/core'
import type { Addon } from './addon.ts'

type Meaning = readonly [code: ErrorCode, message: string]
type Meanings = Readonly<Record<string, Meaning | undefined>>

/** How a system names its statuses, and what it advises. */
export interface ErrorTable {
  /** The row of abi.h that a status of this name stands in; any other name for one that is not there. */
  row(name: string): string
  /** Names a number that the addon does not know. */
  nameOf(number: number): string
  /** How to become an administrator, as an imperative. */
  readonly elevate: string
  /** What a doorbell's event has to be, and what to pass. */
  readonly event: string
  /** Which memory is lent, and which to use. */
  readonly memory: string
  /** What is to be done when so many pages are too many to lock. */
  memlock(needed: string, limitBytes: number): string
}

/** Of every request. */
const COMMON: Meanings = {
  EIO: ['ERR_PENDSHARE_NOT_OWNER', 'another process opened this device; open it in this one'],
  ENODEV: ['ERR_PENDSHARE_REMOVED', 'the device was removed; close it, and open it when it is back'],
  ESHUTDOWN: ['ERR_PENDSHARE_CLOSED', 'the device is closed; open it again'],
  ENOBUFS: ['ERR_PENDSHARE_NO_MEMORY', 'the kernel is out of memory; share less, or free some'],
}

const NOTIFY: Meanings = {
  EOPNOTSUPP: ['ERR_PENDSHARE_NOT_NOTIFIABLE', 'the peer of this share takes no notifications'],
}

const SHARE: Meanings = {
  EINVAL: ['ERR_PENDSHARE_INVALID_ARGUMENT', 'the driver or its peer refuses these options or this access'],
  EFAULT: ['ERR_PENDSHARE_UNSUPPORTED_MEMORY', 'the memory is not mapped, or not writable'],
  EOVERFLOW: [
    'ERR_PENDSHARE_TOO_LARGE',
    'the memory is longer than device.info.maxBytes; use several shares',
  ],
  EDQUOT: [
    'ERR_PENDSHARE_QUOTA',
    'this user has as many shares, or as fast timers, as the driver allows; end some, or lengthen their periods',
  ],
}

/** What NOTIFY answers of a share that has ended: its end is on the way, and says more. */
const ENDED: readonly string[] = ['ENOENT', 'EALREADY', 'ENODEV', 'ESHUTDOWN']

export class Errors {
  readonly #addon: Addon
  readonly #table: ErrorTable
  readonly #byNumber: ReadonlyMap<number, string>

  constructor(addon: Addon, table: ErrorTable) {
    this.#addon = addon
    this.#table = table
    // abi.h's name comes first where two have one number.
    this.#byNumber = new Map(
      Object.entries(addon.status)
        .map(([name, number]) => [number, name] as const)
        .reverse(),
    )
  }

  cause(number: number): SystemCause {
    return { name: this.#byNumber.get(number) ?? this.#table.nameOf(number), number }
  }

  /** Of a request that has no errors of its own. `doing`: how the message begins. */
  ofRequest(number: number, doing: string): PendshareError {
    return this.#explain(number, doing, {})
  }

  /** `undefined`: the share has ended, which is no fault of the caller's. */
  ofNotify(number: number): PendshareError | undefined {
    if (ENDED.includes(this.#row(number))) return undefined
    return this.#explain(number, 'notify()', NOTIFY)
  }

  ofRevoke(number: number): PendshareError {
    const message = `only an administrator may; ${this.#table.elevate}`
    return this.#explain(number, 'revoke()', { EPERM: ['ERR_PENDSHARE_PERMISSION', message] })
  }

  ofShare(number: number, request: ShareRequest, pageSize: number): PendshareError {
    return this.#explain(number, `share of '${request.label}'`, {
      ...SHARE,
      ...this.#wording(),
      ...this.#aboutRequest(number, request, pageSize),
    })
  }

  /** Why a share ended as `failed`. */
  ofFailure(number: number): PendshareError {
    const { abi } = this.#addon
    if (number === abi.PENDSHARE_FAILURE_RING)
      return new PendshareError(
        'ERR_PENDSHARE_RING_CORRUPT',
        'the driver found nonsense in the header of the ring',
      )
    if (number === abi.PENDSHARE_FAILURE_FRAMES)
      return new PendshareError(
        'ERR_PENDSHARE_FRAMES_CORRUPT',
        'the driver was given a frame that the program did not have, or nonsense',
      )
    return new PendshareError('ERR_PENDSHARE_PEER_FAILED', 'the peer reported a fault of its device')
  }

  #row(number: number): string {
    return this.#table.row(this.cause(number).name)
  }

  #explain(number: number, doing: string, meanings: Meanings): PendshareError {
    const cause = this.cause(number)
    const row = this.#table.row(cause.name)
    const [code, message] = meanings[row] ??
      COMMON[row] ?? ['ERR_PENDSHARE_SYSTEM', `the driver refuses it with ${cause.name}`]
    return new PendshareError(code, `${doing}: ${message}`, { cause })
  }

  /** What of a share each system says in its own words. */
  #wording(): Meanings {
    const { event, memory } = this.#table
    return {
      EBADF: ['ERR_PENDSHARE_BAD_EVENT', `the doorbell is not ${event}`],
      EOPNOTSUPP: ['ERR_PENDSHARE_UNSUPPORTED_MEMORY', memory],
    }
  }

  /** Where the message needs more than the status. */
  #aboutRequest(number: number, { peer, memory }: ShareRequest, pageSize: number): Meanings {
    const row = this.#row(number)
    if (row === 'ENOENT') {
      const message = `the driver has no peer '${peer}' now; \`pendshare info\` lists those that it has`
      return { ENOENT: ['ERR_PENDSHARE_UNKNOWN_PEER', message] }
    }
    if (row === 'ENOMEM') {
      const needed = `${memory.byteLength / pageSize} pages (${memory.byteLength / 1024} KiB)`
      const message = this.#table.memlock(needed, this.#addon.lockableBytes())
      return { ENOMEM: ['ERR_PENDSHARE_MEMLOCK', message] }
    }
    if (row !== 'EINVAL') return {}
    const address = this.#addon.addressOf(memory)
    if (address === 0n) return { EINVAL: ['ERR_PENDSHARE_DETACHED', 'the memory was detached'] }
    const off = address % BigInt(pageSize)
    if (off === 0n) return {}
    const message = `the memory starts at ${off} bytes from a page; use Region.allocate()`
    return { EINVAL: ['ERR_PENDSHARE_UNALIGNED', message] }
  }
}

/** The status of what the addon threw; anything else is a fault of ours and goes on. */
export function statusOf(error: unknown): number {
  if (error instanceof Error && 'status' in error && typeof error.status === 'number') return error.status
  throw error
}
