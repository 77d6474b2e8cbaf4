/** Linux: where its driver is, and what to do when it is not. */
import type { AddonOrigin, Backend } from '@pendshare/core'
import { NativeBackend } from '@pendshare/native'
import { loadAddon } from './addon.ts'
import { errors } from './errors.ts'

/**
 * How events reach the event loop. `poll`, the default where it can be: the event loop polls the device through libuv,
 * without a thread and with one hop less. `thread`: a thread waits in the driver, and all is Node-API.
 */
export const WAKEUPS = ['poll', 'thread'] as const
export type Wakeup = (typeof WAKEUPS)[number]

const backend = new NativeBackend<Wakeup>({
  name: 'linux',
  title: 'Linux',
  platform: 'linux',
  devicePath: '/dev/pendshare',
  wakeups: WAKEUPS,
  memlock: true,
  loadAddon,
  errors,
  missing: ['ENOENT', 'ENODEV', 'ENXIO'],
  forbidden: ['EACCES', 'EPERM'],
  installDriver:
    'load the driver with `sudo modprobe pendshare`; where it is not installed (the package pendshare-dkms), ' +
    '`npx pendshare doctor` says what to type',
  getPermission: 'add them to the group pendshare (`sudo usermod -aG pendshare $USER`) and log in again',
})

export const linux: Backend = backend

/**
 * For administrators (CAP_SYS_ADMIN): takes the memory of every share in the driver back. `graceMs` 0: at once, as
 * `device-removed`, and devices that are open now are dead. Else every owner gets a recall, and what is left
 * after so many milliseconds (at most 3600000) ends as `recalled`.
 *
 * Rejects with what `probe()` names, and with `ERR_PENDSHARE_PERMISSION`.
 */
export const revoke = (graceMs: number): Promise<void> => backend.revoke(graceMs)

/**
 * Where the native addon comes from, which this loads.
 *
 * @throws PendshareError `ERR_PENDSHARE_ADDON`, `ERR_PENDSHARE_ADDON_FORBIDDEN`; the message says what to do.
 */
export const loadedAddon = (): AddonOrigin => backend.addonOrigin()
