/** Windows: where its driver is, and what to do when it is not. */
import type { AddonOrigin, Backend } from '@pendshare/core'
import { NativeBackend } from '@pendshare/native'
import { loadAddon } from './addon.ts'
import { errors } from './errors.ts'

/** How events reach the event loop. `thread`: a thread waits at the device's completion port, and all is Node-API. */
export const WAKEUPS = ['thread'] as const
export type Wakeup = (typeof WAKEUPS)[number]

const backend = new NativeBackend<Wakeup>({
  name: 'windows',
  title: 'Windows',
  platform: 'win32',
  devicePath: '\\\\.\\pendshare',
  wakeups: WAKEUPS,
  memlock: false, // Windows bounds what can be locked in all

  loadAddon,
  errors,
  missing: ['ERROR_FILE_NOT_FOUND', 'ERROR_PATH_NOT_FOUND'],
  forbidden: ['ERROR_ACCESS_DENIED'],
  installDriver: 'install the driver as docs/windows.md says and start it with `sc start pendshare`',
  getPermission:
    'run as an administrator, or add them to the group whose SID stands in Parameters\\GroupSid of the service pendshare',
})

export const windows: Backend = backend

/**
 * For administrators: takes the memory of every share in the driver back. `graceMs` 0: at once, as `device-removed`,
 * and devices that are open now are dead. Else every owner gets a recall, and what is left after so many
 * milliseconds (at most 3600000) ends as `recalled`.
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
