import { expect, it } from 'vitest'
import { table } from '../src/cli/top.ts'

const share = { id: '1', bytes: 4096, access: 'rw', state: 'pended', rings: 3 }

it('shows a line a share, with what its timer missed, and - where it has none', () => {
  const text = table([
    {
      pid: 7,
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
