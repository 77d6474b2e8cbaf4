/** What an errno becomes: a code of its own, the cause, and what to do. */
import { Region, type ShareRequest } from '@pendshare/core'
import { Errors } from '@pendshare/native'
import { describe, expect, it } from 'vitest'
import { loadAddon } from '../src/addon.ts'
import { errors as table } from '../src/errors.ts'
import { built, unlessBuilt } from './built.ts'

const request: ShareRequest = {
  id: 1,
  memory: Region.allocate(1 << 20).memory,
  access: 'readwrite',
  peer: 'clock',
  peerOptions: new Uint8Array(0),
  frames: undefined,
  reply: undefined,
  event: undefined,
  label: 'the test',
  deadlineMs: undefined,
}

describe.skipIf(!built)(`errors${unlessBuilt}`, () => {
  const errors = () => new Errors(loadAddon().addon, table)
  const number = (name: string): number => loadAddon().addon.status[name] ?? Number.NaN
  const refused = (name: string, memory = request.memory) =>
    errors().ofShare(number(name), { ...request, memory }, 4096)

  it.each([
    ['EINVAL', 'ERR_PENDSHARE_INVALID_ARGUMENT'],
    ['EFAULT', 'ERR_PENDSHARE_UNSUPPORTED_MEMORY'],
    ['EOPNOTSUPP', 'ERR_PENDSHARE_UNSUPPORTED_MEMORY'],
    ['EOVERFLOW', 'ERR_PENDSHARE_TOO_LARGE'],
    ['ENOENT', 'ERR_PENDSHARE_UNKNOWN_PEER'],
    ['EBADF', 'ERR_PENDSHARE_BAD_EVENT'],
    ['ENOMEM', 'ERR_PENDSHARE_MEMLOCK'],
    ['ENOBUFS', 'ERR_PENDSHARE_NO_MEMORY'],
    ['EDQUOT', 'ERR_PENDSHARE_QUOTA'],
    ['EIO', 'ERR_PENDSHARE_NOT_OWNER'],
    ['ENODEV', 'ERR_PENDSHARE_REMOVED'],
    ['ESHUTDOWN', 'ERR_PENDSHARE_CLOSED'],
    ['EEXIST', 'ERR_PENDSHARE_SYSTEM'],
  ])('a share refused with %s is %s', (name, code) => {
    expect(refused(name)).toMatchObject({ code, cause: { name, number: number(name) } })
  })

  it('tells how many pages were needed, the limit, and how to raise it', () => {
    const { message } = refused('ENOMEM')
    const limit = loadAddon().addon.lockableBytes()
    expect(message).toContain('256 pages (1024 KiB)')
    expect(message).toContain(limit === Number.POSITIVE_INFINITY ? 'unlimited' : `${limit / 1024} KiB`)
    expect(message).toContain('ulimit -l')
  })

  it('counts and aligns in pages of the machine', () => {
    const refusedWith16KiB = (name: string, memory: Uint8Array) =>
      errors().ofShare(number(name), { ...request, memory }, 16384)
    expect(refusedWith16KiB('ENOMEM', request.memory).message).toContain('64 pages (1024 KiB)')
    // One of four pages of 4 KiB that follow each other is at 4 KiB from one of 16 KiB.
    const codes = [0, 1, 2, 3].map((n) => refusedWith16KiB('EINVAL', request.memory.subarray(n * 4096)).code)
    expect(codes.filter((code) => code === 'ERR_PENDSHARE_UNALIGNED')).toHaveLength(3)
  })

  it('tells memory off a page and detached memory from a wrong argument', () => {
    const detached = new Uint8Array(4096)
    structuredClone(detached.buffer, { transfer: [detached.buffer] })
    expect(refused('EINVAL', request.memory.subarray(8))).toMatchObject({ code: 'ERR_PENDSHARE_UNALIGNED' })
    expect(refused('EINVAL', detached)).toMatchObject({ code: 'ERR_PENDSHARE_DETACHED' })
  })

  it('names the peer that there is not, and the share', () => {
    expect(refused('ENOENT').message).toMatch(/'the test'.*no peer 'clock'/)
  })

  it('knows a peer that takes no notifications', () => {
    const error = errors().ofNotify(number('EOPNOTSUPP'))
    expect(error).toMatchObject({ code: 'ERR_PENDSHARE_NOT_NOTIFIABLE' })
  })

  it('keeps the name of an errno that no request documents', () => {
    const error = errors().ofRequest(24, 'open()')
    expect(error).toMatchObject({ code: 'ERR_PENDSHARE_SYSTEM', cause: { name: 'EMFILE', number: 24 } })
  })

  it('tells a corrupt ring from a failed peer', () => {
    const { abi } = loadAddon().addon
    const codes = [abi.PENDSHARE_FAILURE_RING, abi.PENDSHARE_FAILURE_PEER].map(
      (n) => errors().ofFailure(n).code,
    )
    expect(codes).toEqual(['ERR_PENDSHARE_RING_CORRUPT', 'ERR_PENDSHARE_PEER_FAILED'])
  })
})
