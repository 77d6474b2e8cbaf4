import { expect, it } from 'vitest'
import { table } from '../src/cli/top.ts'

const share = { id: '1', bytes: 4096, access: 'rw', state: 'pended', rings: 3 }

it('shows what would steer the terminal instead of doing it', () => {
  const text = table([
    {
      pid: 7,
      fd: 20,
      command: 'a\x1b]0;title\x07b',
      pinnedPages: 1,
      shares: [{ ...share, peer: '', label: '\x1b[2J\nfake line\u202eabc \u009b31m' }],
    },
  ])
  const lines = text.split('\n')
  expect(lines).toHaveLength(3)
  expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  expect(lines[1]).toContain('a\\x1b]0;title\\x07b')
  expect(lines[1]).toContain('\\x1b[2J\\x0afake line\\u{202e}abc \\x9b31m')
})

it('shows a line a share, with what its timer missed, and - where it has none', () => {
  const text = table([
    {
      pid: 7,
      fd: 20,
      command: 'node',
      pinnedPages: 2,
      shares: [
        { ...share, peer: 'clock', missed: 4684, label: 'camera 1' },
        { ...share, id: '2', peer: 'clock', missed: 0, label: '' },
        { ...share, id: '3', peer: '', label: 'b' },
        {
          ...share,
          id: '4',
          peer: 'capture',
          missed: 0,
          frames: { count: 8, user: 3, overruns: 17 },
          label: 'c',
        },
      ],
    },
  ])
  expect(text.split('\n')).toEqual([
    'PID  COMMAND  ID  BYTES  ACCESS  PEER     STATE   RINGS  MISSED  FRAMES  OVERRUNS  LABEL',
    '7    node     1   4096   rw      clock    pended  3      4684    -       -         camera 1',
    '7    node     2   4096   rw      clock    pended  3      0       -       -',
    '7    node     3   4096   rw      -        pended  3      -       -       -         b',
    '7    node     4   4096   rw      capture  pended  3      0       3/8     17        c',
    '4 shares in 1 open devices, 2 pinned pages',
  ])
})
