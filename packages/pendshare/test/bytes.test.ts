import { expect, it } from 'vitest'
import { formatBytes, parseBytes } from '../src/cli/bytes.ts'

it.each([
  ['1', 1],
  ['65536', 65_536],
  ['64KiB', 65_536],
  ['64kib', 65_536],
  ['1 MiB', 1 << 20],
  ['0.5GiB', 2 ** 29],
  ['2TiB', 2 ** 41],
])('%s is %d bytes', (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes)
})

it.each(['', '0', '-1', '1e3', '64KB', '64K', '0.3', 'MiB', '9999999999999999', '1  MiB'])(
  '%j is no amount of memory',
  (text) => {
    expect(() => parseBytes(text)).toThrow('want bytes')
  },
)

it('tells whole MiB as such, and anything else in KiB, rounded up', () => {
  expect([0, 1, 4096, 1 << 20, Number.POSITIVE_INFINITY].map(formatBytes)).toEqual([
    '0 KiB',
    '1 KiB',
    '4 KiB',
    '1 MiB',
    'no limit',
  ])
})
