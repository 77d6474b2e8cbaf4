/** The one error class of pendshare and its codes: stable names that callers may switch on. */

export const ERROR_CODES = [
  /** An argument or option is wrong; the message carries its path. */
  'ERR_PENDSHARE_INVALID_ARGUMENT',
  /** Memory is not page-aligned or not whole pages. */
  'ERR_PENDSHARE_UNALIGNED',
  /** Memory could be detached or transferred by JavaScript and `trustDetachable` was not given. */
  'ERR_PENDSHARE_DETACHABLE',
  /** The buffer is detached already. */
  'ERR_PENDSHARE_DETACHED',
  /** A resizable buffer, or a view that tracks its buffer's length. */
  'ERR_PENDSHARE_RESIZABLE',
  /** The region, or an overlapping one, is lent already. */
  'ERR_PENDSHARE_REGION_IN_USE',
  /** No driver on this system. */
  'ERR_PENDSHARE_NO_DRIVER',
  /** The device is there, and this user may not open it. */
  'ERR_PENDSHARE_PERMISSION',
  /** Driver and library speak different versions of the ABI. */
  'ERR_PENDSHARE_ABI_MISMATCH',
  /** The native addon is missing or does not load. */
  'ERR_PENDSHARE_ADDON',
  /** Node runs under --permission without --allow-addons. */
  'ERR_PENDSHARE_ADDON_FORBIDDEN',
  /** No backend of that name. */
  'ERR_PENDSHARE_UNKNOWN_BACKEND',
  /** The locked-memory limit would be exceeded. */
  'ERR_PENDSHARE_MEMLOCK',
  /** Too many shares or timers of this user. */
  'ERR_PENDSHARE_QUOTA',
  /** The system is out of memory. */
  'ERR_PENDSHARE_NO_MEMORY',
  /** Memory that the driver does not pin: file-backed, shared with another process, a device's. */
  'ERR_PENDSHARE_UNSUPPORTED_MEMORY',
  /** Longer than `device.info.maxBytes`. */
  'ERR_PENDSHARE_TOO_LARGE',
  /** The driver has no peer of that name. */
  'ERR_PENDSHARE_UNKNOWN_PEER',
  /** `doorbell` is not an eventfd or event handle. */
  'ERR_PENDSHARE_BAD_EVENT',
  /** The peer takes no notifications. */
  'ERR_PENDSHARE_NOT_NOTIFIABLE',
  /** The share's peer does not speak rings. */
  'ERR_PENDSHARE_NO_RING',
  /** The ring is being read already; it has one consumer at a time. */
  'ERR_PENDSHARE_RING_IN_USE',
  /** A batch was looked at after it was given back. */
  'ERR_PENDSHARE_STALE_BATCH',
  /** One side wrote nonsense into a ring. */
  'ERR_PENDSHARE_RING_CORRUPT',
  /** The share was not asked for with `frames`. */
  'ERR_PENDSHARE_NO_FRAMES',
  /** The frames are being iterated over already; there is one consumer at a time. */
  'ERR_PENDSHARE_FRAMES_IN_USE',
  /** A frame was used after it was given back. */
  'ERR_PENDSHARE_STALE_FRAME',
  /** A slot was to be acquired of frames that the kernel fills. */
  'ERR_PENDSHARE_WRONG_DIRECTION',
  /** One side wrote nonsense into the queues of the frames, or gave a slot that it did not have. */
  'ERR_PENDSHARE_FRAMES_CORRUPT',
  /** The peer reported a fault. */
  'ERR_PENDSHARE_PEER_FAILED',
  /** The share has ended; the message names the reason. */
  'ERR_PENDSHARE_ENDED',
  /** The device is closing or closed. */
  'ERR_PENDSHARE_CLOSED',
  /** The device was removed. */
  'ERR_PENDSHARE_REMOVED',
  /** The device was opened by another process. */
  'ERR_PENDSHARE_NOT_OWNER',
  /** An error of the system without a code of its own; see `cause`. */
  'ERR_PENDSHARE_SYSTEM',
] as const
export type ErrorCode = (typeof ERROR_CODES)[number]

/** An errno, NTSTATUS or Win32 error as `cause`. */
export interface SystemCause {
  /** `ENOMEM`, `STATUS_QUOTA_EXCEEDED`, … */
  readonly name: string
  readonly number: number
}

export class PendshareError extends Error {
  override readonly name = 'PendshareError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** The share is over, so it can no longer be used; `how` says what ended or is ending it. */
export function endedError(label: string, how: string): PendshareError {
  return new PendshareError('ERR_PENDSHARE_ENDED', `${label} has ended (${how}); share the memory again`)
}

/** What a backend threw, as the one error class: a foreign error is kept as `cause`. */
export function asPendshareError(error: unknown, doing: string): PendshareError {
  if (error instanceof PendshareError) return error
  const detail = error instanceof Error ? error.message : String(error)
  return new PendshareError('ERR_PENDSHARE_SYSTEM', `${doing}: ${detail}`, { cause: error })
}
