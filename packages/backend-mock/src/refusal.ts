/** What the driver answers when it refuses a request: the errno that abi.h documents, as the library's error. */
import { type ErrorCode, PendshareError } from '@pendshare/core'

/** Linux's numbers. */
const ERRNO = {
  ENOENT: 2,
  EIO: 5,
  EBADF: 9,
  ENOMEM: 12,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  EOVERFLOW: 75,
  EOPNOTSUPP: 95,
  ENOBUFS: 105,
  ESHUTDOWN: 108,
  EDQUOT: 122,
} as const
type Errno = keyof typeof ERRNO

const CODES: Record<Errno, ErrorCode> = {
  ENOENT: 'ERR_PENDSHARE_UNKNOWN_PEER',
  EIO: 'ERR_PENDSHARE_NOT_OWNER',
  EBADF: 'ERR_PENDSHARE_BAD_EVENT',
  ENOMEM: 'ERR_PENDSHARE_MEMLOCK',
  EEXIST: 'ERR_PENDSHARE_SYSTEM',
  ENODEV: 'ERR_PENDSHARE_REMOVED',
  EINVAL: 'ERR_PENDSHARE_INVALID_ARGUMENT',
  EOVERFLOW: 'ERR_PENDSHARE_TOO_LARGE',
  EOPNOTSUPP: 'ERR_PENDSHARE_NOT_NOTIFIABLE',
  ENOBUFS: 'ERR_PENDSHARE_NO_MEMORY',
  ESHUTDOWN: 'ERR_PENDSHARE_CLOSED',
  EDQUOT: 'ERR_PENDSHARE_QUOTA',
}

export function refusal(errno: Errno, message: string): PendshareError {
  return new PendshareError(CODES[errno], message, { cause: { name: errno, number: ERRNO[errno] } })
}
