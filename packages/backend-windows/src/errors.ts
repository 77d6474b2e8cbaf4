/** What Windows calls its errors, by the errno in whose row of abi.h they stand, and what it advises. */
import type { ErrorTable } from '@pendshare/native'

const ROWS: Readonly<Record<string, string | undefined>> = {
  STATUS_ACCESS_DENIED: 'EPERM',
  STATUS_ACCESS_VIOLATION: 'EFAULT',
  STATUS_DEVICE_REMOVED: 'ENODEV',
  STATUS_INSUFFICIENT_RESOURCES: 'ENOBUFS',
  STATUS_INTEGER_OVERFLOW: 'EOVERFLOW',
  STATUS_INVALID_HANDLE: 'EBADF',
  STATUS_INVALID_OWNER: 'EIO',
  STATUS_INVALID_PARAMETER: 'EINVAL',
  // Of the system's own calls.
  STATUS_NO_MEMORY: 'ENOBUFS',
  STATUS_NOT_FOUND: 'ENOENT',
  STATUS_NOT_SUPPORTED: 'EOPNOTSUPP',
  STATUS_PIPE_CLOSING: 'ESHUTDOWN',
  STATUS_QUOTA_EXCEEDED: 'EDQUOT',
  STATUS_REQUEST_NOT_ACCEPTED: 'EALREADY',
  STATUS_WORKING_SET_QUOTA: 'ENOMEM',
}

export const errors: ErrorTable = {
  row: (name) => ROWS[name] ?? name,
  // As one finds it in documentation.
  nameOf: (number) => `0x${number.toString(16)}`,
  elevate: 'run it elevated',
  event: 'a handle of an event that this process may set; pass that of one',
  memory: 'only private memory is lent, no view of a section or file; use Region.allocate()',
  memlock: (needed) =>
    `${needed} more are more than Windows lets this process lock; share less, or end other shares`,
}
