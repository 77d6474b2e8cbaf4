/** Amounts of memory, as the command takes and tells them. */
import { InvalidArgumentError } from 'commander'

const UNITS = { '': 1, KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30, TIB: 2 ** 40 } as const

/** `65536`, `64KiB`, `1 MiB`, `0.5GiB`. */
export function parseBytes(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([KMGT]iB)?$/i.exec(text) ?? []
  const bytes = Number(number) * UNITS[unit.toUpperCase() as keyof typeof UNITS]
  if (number === '' || !Number.isSafeInteger(bytes) || bytes < 1)
    throw new InvalidArgumentError('want bytes, such as 65536, 64KiB, 1MiB or 2GiB')
  return bytes
}

/** In KiB, as `ulimit -l` and limits.conf have it, or in MiB where that comes out even. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return 'no limit'
  return bytes > 0 && bytes % 2 ** 20 === 0 ? `${bytes / 2 ** 20} MiB` : `${Math.ceil(bytes / 1024)} KiB`
}
