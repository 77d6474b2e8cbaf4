/** What an NTSTATUS of the driver means to a caller, by request. abi.h says what each one is. */
import { type ErrorCode, PendshareError, type ShareRequest, type SystemCause } from '@pendshare/core'
import type { Addon } from './addon.ts'

type Meaning = readonly [code: ErrorCode, message: string]
type Meanings = Readonly<Record<string, Meaning | undefined>>

/** Of every request. */
const COMMON: Meanings = {
  STATUS_INVALID_OWNER: [
    'ERR_PENDSHARE_NOT_OWNER',
    'another process opened this device; open it in this one',
  ],
  STATUS_DEVICE_REMOVED: [
    'ERR_PENDSHARE_REMOVED',
    'the device was removed; close it, and open it when it is back',
  ],
  STATUS_PIPE_CLOSING: ['ERR_PENDSHARE_CLOSED', 'the device is closed; open it again'],
  STATUS_INSUFFICIENT_RESOURCES: [
    'ERR_PENDSHARE_NO_MEMORY',
    'the kernel is out of memory; share less, or free some',
  ],
  STATUS_NO_MEMORY: ['ERR_PENDSHARE_NO_MEMORY', 'the system is out of memory; free some'],
}

const NOTIFY: Meanings = {
  STATUS_NOT_SUPPORTED: ['ERR_PENDSHARE_NOT_NOTIFIABLE', 'the peer of this share takes no notifications'],
}

const REVOKE: Meanings = {
  STATUS_ACCESS_DENIED: ['ERR_PENDSHARE_PERMISSION', 'only an administrator may; run it elevated'],
}

const SHARE: Meanings = {
  STATUS_INVALID_PARAMETER: [
    'ERR_PENDSHARE_INVALID_ARGUMENT',
    'the driver or its peer refuses these options or this access',
  ],
  STATUS_ACCESS_VIOLATION: ['ERR_PENDSHARE_UNSUPPORTED_MEMORY', 'the memory is not mapped, or not writable'],
  STATUS_NOT_SUPPORTED: [
    'ERR_PENDSHARE_UNSUPPORTED_MEMORY',
    'only private memory is lent, no view of a section or file; use Region.allocate()',
  ],
  STATUS_INTEGER_OVERFLOW: [
    'ERR_PENDSHARE_TOO_LARGE',
    'the memory is longer than device.info.maxBytes; use several shares',
  ],
  STATUS_INVALID_HANDLE: [
    'ERR_PENDSHARE_BAD_EVENT',
    'the doorbell is not a handle of an event that this process may set; pass that of one',
  ],
  STATUS_QUOTA_EXCEEDED: [
    'ERR_PENDSHARE_QUOTA',
    'this user has as many shares, or as fast timers, as the driver allows; end some, or lengthen their periods',
  ],
}

/** `number` as a cause: an NTSTATUS, or a Win32 error of opening the device. */
export function systemCause(addon: Addon, number: number): SystemCause {
  const name = Object.keys(addon.status).find((name) => addon.status[name] === number)
  return { name: name ?? `0x${number.toString(16)}`, number }
}

export function requestError(addon: Addon, number: number, doing: string, meanings: Meanings = {}) {
  const cause = systemCause(addon, number)
  const [code, message] = meanings[cause.name] ??
    COMMON[cause.name] ?? ['ERR_PENDSHARE_SYSTEM', `the driver refuses it with ${cause.name}`]
  return new PendshareError(code, `${doing}: ${message}`, { cause })
}

export function notifyError(addon: Addon, number: number): PendshareError {
  return requestError(addon, number, 'notify()', NOTIFY)
}

export function revokeError(addon: Addon, number: number): PendshareError {
  return requestError(addon, number, 'revoke()', REVOKE)
}

export function shareError(addon: Addon, number: number, request: ShareRequest): PendshareError {
  const { name } = systemCause(addon, number)
  const special = specialMeaning(addon, name, request)
  return requestError(addon, number, `share of '${request.label}'`, special ? { [name]: special } : SHARE)
}

/** Where the message needs more than the status. */
function specialMeaning(addon: Addon, name: string, request: ShareRequest): Meaning | undefined {
  if (name === 'STATUS_NOT_FOUND') {
    return ['ERR_PENDSHARE_UNKNOWN_PEER', `no peer '${request.peer}'; device.info.peers lists the driver's`]
  }
  if (name === 'STATUS_WORKING_SET_QUOTA') {
    return ['ERR_PENDSHARE_MEMLOCK', memlockMessage(request.memory.byteLength)]
  }
  if (name !== 'STATUS_INVALID_PARAMETER') return undefined
  const address = addon.addressOf(request.memory)
  if (address === 0n) return ['ERR_PENDSHARE_DETACHED', 'the memory was detached']
  if (address % 4096n === 0n) return undefined
  return [
    'ERR_PENDSHARE_UNALIGNED',
    `the memory starts at ${address % 4096n} bytes from a page; use Region.allocate()`,
  ]
}

function memlockMessage(bytes: number): string {
  return (
    `${bytes / 4096} pages (${bytes / 1024} KiB) more are more than Windows lets this process lock; share less, or end ` +
    'other shares'
  )
}

/** Why a share ended as `failed`. */
export function failure(addon: Addon, number: number): PendshareError {
  return number === addon.abi.PENDSHARE_FAILURE_RING
    ? new PendshareError('ERR_PENDSHARE_RING_CORRUPT', 'the driver found nonsense in the header of the ring')
    : new PendshareError('ERR_PENDSHARE_PEER_FAILED', 'the peer reported a fault of its device')
}

/** The status of what the addon threw; anything else is a fault of ours and goes on. */
export function statusOf(error: unknown): number {
  if (error instanceof Error && 'status' in error && typeof error.status === 'number') return error.status
  throw error
}
