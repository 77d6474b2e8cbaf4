/** A driver of another ABI: the library hangs up, says which side is older, and what to type. */
import type { OpenRequest } from '@pendshare/core'
import { expect, it } from 'vitest'
import type { Addon, NativeDevice, NativeInfo } from '../src/addon.ts'
import { NativeBackend } from '../src/backend.ts'

/** A backend whose driver speaks `theirs` and whose addon was compiled against `ours`. */
function meet(theirs: number, ours: number) {
  const calls: string[] = []
  const info: Partial<NativeInfo> = { abi: theirs }
  const native: Partial<NativeDevice> = {
    info: () => info as NativeInfo, // the number is all that is looked at before the greeting is over
    revoke: () => {
      calls.push('revoke')
      return 0
    },
    close: () => {
      calls.push('close')
    },
  }
  const addon: Partial<Addon> = {
    abi: { PENDSHARE_ABI_VERSION: ours } as Addon['abi'], // the same
    status: {},
    canPoll: false,
    openDevice: () => native as NativeDevice,
  }
  const backend = new NativeBackend({
    name: 'played',
    title: 'this system',
    platform: process.platform,
    devicePath: process.execPath, // any file that is there
    wakeups: ['thread'],
    memlock: true,
    loadAddon: () => ({ addon: addon as Addon, origin: { kind: 'built', path: '' } }),
    errors: { row: String, nameOf: String, elevate: '', event: '', memory: '', memlock: () => '' },
    missing: [],
    forbidden: [],
    installDriver: 'load it with `modprobe it`',
    getPermission: '',
  })
  return { backend, calls }
}

const request: OpenRequest = { path: undefined, wakeup: undefined }
const code = 'ERR_PENDSHARE_ABI_MISMATCH'

const CASES = [
  {
    theirs: 1,
    ours: 2,
    says: /^the driver speaks ABI 1, this library ABI 2: the driver is older; upgrade the driver and unload the old one; then load it with `modprobe it`$/,
  },
  {
    theirs: 3,
    ours: 2,
    says: /^the driver speaks ABI 3, this library ABI 2: the library is older; .*`npm install pendshare@latest`$/,
  },
]

it.for(CASES)('a driver of ABI $theirs, a library of ABI $ours', async ({ theirs, ours, says }) => {
  const { backend, calls } = meet(theirs, ours)
  const message = expect.stringMatching(says)
  await expect(backend.open(request, () => {})).rejects.toMatchObject({ code, message })
  await expect(backend.revoke(0)).rejects.toMatchObject({ code, message })
  const probe = await backend.probe()
  expect(probe).toMatchObject({ usable: false, code })
  expect('remedy' in probe && `${probe.detail}; ${probe.remedy}`).toMatch(says)
  expect(calls).toEqual(['close', 'close', 'close'])
})

it('the same ABI on both sides', async () => {
  const { backend, calls } = meet(2, 2)
  expect(await backend.probe()).toMatchObject({ usable: true, detail: expect.stringContaining('ABI 2') })
  await backend.revoke(0)
  expect(calls).toEqual(['close', 'revoke', 'close'])
})
