/** What Linux calls its errors, and what it advises. */
import { getSystemErrorName } from 'node:util'
import type { ErrorTable } from '@pendshare/native'

export const errors: ErrorTable = {
  row: (name) => name,
  nameOf: (number) => getSystemErrorName(-number),
  elevate: 'run it as root',
  event: 'an open eventfd; pass the descriptor of one',
  memory: 'the driver pins private anonymous memory only; use Region.allocate()',
  memlock: (needed, limit) =>
    `${needed} more would exceed the ${kib(limit)} that this user may lock; raise the limit with \`ulimit -l\`, ` +
    '`memlock` in /etc/security/limits.conf or `LimitMEMLOCK=` of the systemd unit',
}

function kib(bytes: number): string {
  return Number.isFinite(bytes) ? `${bytes / 1024} KiB` : 'unlimited memory'
}
