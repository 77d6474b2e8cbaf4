import { readFileSync } from 'node:fs'
import type { ShareRequest } from '@pendshare/core'
import { type Addon, Errors } from '@pendshare/native'
import { describe, expect, it } from 'vitest'
import { errors as table } from '../src/errors.ts'
import { windows } from '../src/index.ts'

const abi = readFileSync(new URL('../../../drivers/include/pendshare/abi.h', import.meta.url), 'utf8')

/** The NTSTATUS names of the table in the comment that begins with `heading`. */
function documented(heading: string): string[] {
  const comment = abi.slice(abi.indexOf(heading)).split('*/')[0] ?? ''
  return [...comment.matchAll(/^ \*\s+(?:E[A-Z0-9]+)\t([A-Z_]+)/gm)].map(([, name]) => `STATUS_${name}`)
}

/** Numbers do not matter here, as long as each name has its own. */
const names = ['* SHARE: lend', '* NOTIFY: ring', '* REVOKE, for', '* Errors of every'].flatMap(documented)
const status = Object.fromEntries([...new Set(names)].map((name, at) => [name, 0xc0000001 + at]))
const addon = {
  status,
  addressOf: () => 4096n,
  lockableBytes: () => Number.POSITIVE_INFINITY,
} as unknown as Addon
const errors = new Errors(addon, table)
const request = { label: 'mine', peer: 'nobody', memory: new Uint8Array(4096) } as unknown as ShareRequest
const number = (name: string) => status[name] ?? Number.NaN

describe('every NTSTATUS that abi.h documents has a meaning', () => {
  /** What the core and the driver see to between them: it never reaches a caller. */
  const OWN_FAULTS = ['STATUS_OBJECT_NAME_COLLISION', 'STATUS_CANCELLED']

  it('of SHARE', () => {
    const found = documented('* SHARE: lend')
    expect(found.length).toBeGreaterThan(9)
    for (const name of found.filter((name) => !OWN_FAULTS.includes(name))) {
      expect(errors.ofShare(number(name), request, 4096).code, name).not.toBe('ERR_PENDSHARE_SYSTEM')
    }
  })

  it('of every request', () => {
    // An unknown request is a fault of this library.
    const found = documented('* Errors of every').filter((name) => name !== 'STATUS_INVALID_DEVICE_REQUEST')
    expect(found).toEqual(['STATUS_INVALID_OWNER', 'STATUS_DEVICE_REMOVED', 'STATUS_PIPE_CLOSING'])
    for (const name of found)
      expect(errors.ofRequest(number(name), 'close()').code, name).not.toBe('ERR_PENDSHARE_SYSTEM')
  })

  it('of NOTIFY and REVOKE', () => {
    expect(errors.ofNotify(number('STATUS_NOT_SUPPORTED'))?.code).toBe('ERR_PENDSHARE_NOT_NOTIFIABLE')
    expect(errors.ofRevoke(number('STATUS_ACCESS_DENIED')).code).toBe('ERR_PENDSHARE_PERMISSION')
  })
})

describe('an error', () => {
  it('carries name and number of its NTSTATUS', () => {
    expect(errors.ofShare(number('STATUS_NOT_FOUND'), request, 4096)).toMatchObject({
      code: 'ERR_PENDSHARE_UNKNOWN_PEER',
      message:
        "share of 'mine': the driver has no peer 'nobody' now; `pendshare info` lists those that it has",
      cause: { name: 'STATUS_NOT_FOUND', number: number('STATUS_NOT_FOUND') },
    })
  })

  it('shows an unknown status as the number that one finds in documentation', () => {
    expect(errors.cause(0xc0000fff)).toEqual({ name: '0xc0000fff', number: 0xc0000fff })
  })

  it('of refused arguments says so when it is the memory', () => {
    const at = (address: bigint) => {
      const refused = new Errors({ ...addon, addressOf: () => address }, table)
      return refused.ofShare(number('STATUS_INVALID_PARAMETER'), request, 4096).code
    }
    expect(at(0n)).toBe('ERR_PENDSHARE_DETACHED')
    expect(at(4112n)).toBe('ERR_PENDSHARE_UNALIGNED')
    expect(at(8192n)).toBe('ERR_PENDSHARE_INVALID_ARGUMENT')
  })
})

describe.skipIf(process.platform === 'win32')('elsewhere than on Windows', () => {
  it('there is no driver, and nothing is loaded', async () => {
    expect(await windows.probe()).toMatchObject({ usable: false, code: 'ERR_PENDSHARE_NO_DRIVER' })
    const open = windows.open({ path: undefined, wakeup: undefined }, () => {})
    await expect(open).rejects.toMatchObject({ code: 'ERR_PENDSHARE_NO_DRIVER' })
  })
})
