/** What an errno of the driver means to a caller, by request. abi.h says what each one is. */
import { getSystemErrorName } from 'node:util'
import { type ErrorCode, PendshareError, type ShareRequest, type SystemCause } from '@pendshare/core'
import type { Addon } from './addon.ts'

type Meaning = readonly [code: ErrorCode, message: string]
type Meanings = Readonly<Record<string, Meaning | undefined>>

/** Of every request. */
const COMMON: Meanings = {
  EIO: ['ERR_PENDSHARE_NOT_OWNER', 'another process opened this device; open it in this one'],
  ENODEV: ['ERR_PENDSHARE_REMOVED', 'the device was removed; close it, and open it when it is back'],
  ESHUTDOWN: ['ERR_PENDSHARE_CLOSED', 'the device is closed; open it again'],
}

const NOTIFY: Meanings = {
  EOPNOTSUPP: ['ERR_PENDSHARE_NOT_NOTIFIABLE', 'the peer of this share takes no notifications'],
}

const REVOKE: Meanings = {
  EPERM: ['ERR_PENDSHARE_PERMISSION', 'only an administrator may; run it as root'],
}

const SHARE: Meanings = {
  EINVAL: ['ERR_PENDSHARE_INVALID_ARGUMENT', 'the driver or its peer refuses these options or this access'],
  EFAULT: ['ERR_PENDSHARE_UNSUPPORTED_MEMORY', 'the memory is not mapped, or not writable'],
  EOPNOTSUPP: [
    'ERR_PENDSHARE_UNSUPPORTED_MEMORY',
    'the driver pins private anonymous memory only; use Region.allocate()',
  ],
  EOVERFLOW: [
    'ERR_PENDSHARE_TOO_LARGE',
    'the memory is longer than device.info.maxBytes; use several shares',
  ],
  EBADF: ['ERR_PENDSHARE_BAD_EVENT', 'the doorbell is not an open eventfd; pass the descriptor of one'],
  ENOBUFS: ['ERR_PENDSHARE_NO_MEMORY', 'the kernel is out of memory; share less, or free some'],
  EDQUOT: [
    'ERR_PENDSHARE_QUOTA',
    'this user has as many shares, or as fast timers, as the driver allows; end some, or lengthen their periods',
  ],
}

/** `number` as a cause. abi.h's name comes first where two have one number. */
export function systemCause(addon: Addon, number: number): SystemCause {
  const name = Object.keys(addon.errno).find((name) => addon.errno[name] === number)
  return { name: name ?? getSystemErrorName(-number), number }
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

export function shareError(
  addon: Addon,
  number: number,
  request: ShareRequest,
  pageSize: number,
): PendshareError {
  const { name } = systemCause(addon, number)
  const special = specialMeaning(addon, name, request, pageSize)
  return requestError(addon, number, `share of '${request.label}'`, special ? { [name]: special } : SHARE)
}

/** Where the message needs more than the errno. */
function specialMeaning(
  addon: Addon,
  name: string,
  request: ShareRequest,
  pageSize: number,
): Meaning | undefined {
  if (name === 'ENOENT') {
    return ['ERR_PENDSHARE_UNKNOWN_PEER', `no peer '${request.peer}'; device.info.peers lists the driver's`]
  }
  if (name === 'ENOMEM')
    return ['ERR_PENDSHARE_MEMLOCK', memlockMessage(addon, request.memory.byteLength, pageSize)]
  if (name !== 'EINVAL') return undefined
  const address = addon.addressOf(request.memory)
  if (address === 0n) return ['ERR_PENDSHARE_DETACHED', 'the memory was detached']
  const off = address % BigInt(pageSize)
  if (off === 0n) return undefined
  return ['ERR_PENDSHARE_UNALIGNED', `the memory starts at ${off} bytes from a page; use Region.allocate()`]
}

function memlockMessage(addon: Addon, bytes: number, pageSize: number): string {
  const limit = addon.memlockLimit()
  return (
    `${bytes / pageSize} pages (${kib(bytes)}) more would exceed the ${kib(limit)} that this user may lock; raise the limit ` +
    'with `ulimit -l`, `memlock` in /etc/security/limits.conf or `LimitMEMLOCK=` of the systemd unit'
  )
}

function kib(bytes: number): string {
  return Number.isFinite(bytes) ? `${bytes / 1024} KiB` : 'unlimited memory'
}

/** Why a share ended as `failed`. */
export function failure(addon: Addon, number: number): PendshareError {
  return number === addon.abi.PENDSHARE_FAILURE_RING
    ? new PendshareError('ERR_PENDSHARE_RING_CORRUPT', 'the driver found nonsense in the header of the ring')
    : new PendshareError('ERR_PENDSHARE_PEER_FAILED', 'the peer reported a fault of its device')
}

/** The errno of what the addon threw; anything else is a fault of ours and goes on. */
export function errnoOf(error: unknown): number {
  if (error instanceof Error && 'errno' in error && typeof error.errno === 'number') return error.errno
  throw error
}
