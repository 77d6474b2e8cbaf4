import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { listFiles, parseFile } from '../src/cli/fdinfo.ts'

const TEXT =
  'pos:\t0\nflags:\t02000002\nmnt_id:\t23\n' +
  'pendshare:\tshares 2 pinned_pages 257\n' +
  'share:\tid 18446744073709551615 bytes 1048576 access rw peer fill state pended rings 12 missed 4684 label camera\\0401\n' +
  'share:\tid 2 bytes 4096 access r peer - state ending rings 0 missed - label \n' +
  'share:\tid 3 bytes 69632 access rw peer capture state pended rings 9 missed 0 frames 16 user 5 overruns 2 label a\n'

const WHOSE = { pid: 1, fd: 3, command: 'x' }

let proc: string
beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'pendshare-proc-'))
})
afterEach(() => rmSync(proc, { recursive: true }))

it('reads every share of a file', () => {
  const file = parseFile({ pid: 7, fd: 20, command: 'node' }, TEXT)
  expect(file.pinnedPages).toBe(257)
  expect(file.shares).toEqual([
    {
      id: '18446744073709551615',
      bytes: 1048576,
      access: 'rw',
      peer: 'fill',
      state: 'pended',
      rings: 12,
      missed: 4684,
      label: 'camera 1',
    },
    { id: '2', bytes: 4096, access: 'r', peer: '', state: 'ending', rings: 0, label: '' },
    {
      id: '3',
      bytes: 69632,
      access: 'rw',
      peer: 'capture',
      state: 'pended',
      rings: 9,
      missed: 0,
      frames: { count: 16, user: 5, overruns: 2 },
      label: 'a',
    },
  ])
})

it('keeps a label in UTF-8 whether the kernel escaped its bytes or not', () => {
  const line = (label: string) =>
    `share:\tid 1 bytes 4096 access rw peer - state pended rings 0 missed - label ${label}\n`
  expect(parseFile(WHOSE, line('Prüfstand')).shares[0]?.label).toBe('Prüfstand')
  expect(parseFile(WHOSE, line('Pr\\303\\274fstand')).shares[0]?.label).toBe('Prüfstand')
})

it('lists the descriptors of the device and no others, and survives a process that goes', () => {
  for (const pid of ['7', '8'])
    for (const part of ['fd', 'fdinfo']) mkdirSync(join(proc, pid, part), { recursive: true })
  writeFileSync(join(proc, '7/comm'), 'node\n')
  symlinkSync('/dev/pendshare', join(proc, '7/fd/20'))
  symlinkSync('/dev/null', join(proc, '7/fd/21'))
  writeFileSync(join(proc, '7/fdinfo/20'), TEXT)
  writeFileSync(join(proc, '7/fdinfo/21'), TEXT)
  symlinkSync('/dev/pendshare', join(proc, '8/fd/3'))
  expect(listFiles(proc).map(({ pid, fd, command, shares }) => [pid, fd, command, shares.length])).toEqual([
    [7, 20, 'node', 3],
  ])
})
