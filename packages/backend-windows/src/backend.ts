/** Finds the driver and opens its device, or says what is missing and what to do about it. */
import { access } from 'node:fs/promises'
import {
  type Backend,
  type BackendDevice,
  type ErrorCode,
  type EventSink,
  type OpenRequest,
  PendshareError,
  type Probe,
} from '@pendshare/core'
import { type Addon, loadAddon, type NativeDevice, type NativeInfo } from './addon.ts'
import { WindowsDevice } from './device.ts'
import { requestError, revokeError, statusOf, systemCause } from './errors.ts'

/** How events reach the event loop. `thread`: a thread waits at the device's completion port, and all is Node-API. */
export const WAKEUPS = ['thread'] as const
export type Wakeup = (typeof WAKEUPS)[number]

const DEVICE_PATH = '\\\\.\\pendshare'

export const windows: Backend = {
  name: 'windows',

  async probe(): Promise<Probe> {
    const found = await reach(DEVICE_PATH, false)
    if ('code' in found) {
      const { code, detail, remedy } = found
      return { usable: false, code, detail, remedy }
    }
    found.native.close()
    return { usable: true, detail: `${DEVICE_PATH} speaks ABI ${found.info.abi}` }
  },

  /** Rejects with `ERR_PENDSHARE_INVALID_ARGUMENT` for an unknown `wakeup`, and with what `probe()` names. */
  async open(request: OpenRequest, sink: EventSink): Promise<BackendDevice> {
    checkWakeup(request.wakeup)
    return start(orThrow(await reach(request.path ?? DEVICE_PATH, false)), sink)
  },
}

/**
 * For administrators: takes the memory of every share in the driver back. `graceMs` 0: at once, as `device-removed`,
 * and devices that are open now are dead. Else every owner gets a recall, and what is left after so many
 * milliseconds (at most 3600000) ends as `recalled`.
 *
 * Rejects with what `probe()` names, and with `ERR_PENDSHARE_PERMISSION`.
 */
export async function revoke(graceMs: number): Promise<void> {
  const { addon, native } = orThrow(await reach(DEVICE_PATH, true))
  const status = native.revoke(graceMs)
  native.close()
  if (status !== 0) throw revokeError(addon, status)
}

interface Reached {
  readonly addon: Addon
  readonly native: NativeDevice
  readonly info: NativeInfo
}

interface Obstacle {
  readonly code: ErrorCode
  readonly detail: string
  readonly remedy: string
  readonly cause?: unknown
}

function orThrow(found: Reached | Obstacle): Reached {
  if (!('code' in found)) return found
  throw new PendshareError(found.code, `${found.detail}; ${found.remedy}`, { cause: found.cause })
}

function checkWakeup(asked: string | undefined): void {
  if (asked === undefined || WAKEUPS.some((known) => known === asked)) return
  const message = `no wakeup '${asked}'; the Windows backend has ${WAKEUPS.join(' and ')}`
  throw new PendshareError('ERR_PENDSHARE_INVALID_ARGUMENT', message)
}

/** The device is looked for before the addon: where both are missing, the driver is what a user needs to hear of. */
async function reach(path: string, administrator: boolean): Promise<Reached | Obstacle> {
  if (process.platform !== 'win32') return noDriver(`this is ${process.platform}, not Windows`)
  try {
    await access(path)
  } catch (error) {
    // Whatever else it is, opening tells it better.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return noDriver(`no ${path}`)
  }
  try {
    const addon = loadAddon()
    const native = new addon.Device(path, administrator)
    return greet(addon, native, path)
  } catch (error) {
    if (!(error instanceof PendshareError)) return openObstacle(loadAddon(), statusOf(error), path)
    const { code, message: detail } = error
    return { code, detail, remedy: 'then try again', cause: error.cause }
  }
}

function openObstacle(addon: Addon, number: number, path: string): Obstacle {
  const cause = systemCause(addon, number)
  switch (cause.name) {
    case 'ERROR_FILE_NOT_FOUND':
    case 'ERROR_PATH_NOT_FOUND':
      return noDriver(`nothing answers at ${path}`, cause)
    case 'ERROR_ACCESS_DENIED':
      return {
        code: 'ERR_PENDSHARE_PERMISSION',
        detail: `this user may not open ${path}`,
        remedy:
          'run as an administrator, or add them to the group whose SID stands in Parameters\\GroupSid of the service pendshare',
        cause,
      }
    default:
      return {
        code: 'ERR_PENDSHARE_SYSTEM',
        detail: `cannot open ${path}: ${cause.name}`,
        remedy: 'see the cause',
        cause,
      }
  }
}

/** Asks the driver who it is, and hangs up unless it speaks our ABI. */
function greet(addon: Addon, native: NativeDevice, path: string): Reached | Obstacle {
  const obstacle = (found: Obstacle) => {
    native.close()
    return found
  }
  let info: NativeInfo
  try {
    info = native.info()
  } catch (error) {
    return obstacle(noDriver(`${path} is not a pendshare device`, systemCause(addon, statusOf(error))))
  }
  const { PENDSHARE_ABI_VERSION } = addon.abi
  if (info.abi === PENDSHARE_ABI_VERSION) return { addon, native, info }
  return obstacle({
    code: 'ERR_PENDSHARE_ABI_MISMATCH',
    detail: `the driver speaks ABI ${info.abi}, this library ${PENDSHARE_ABI_VERSION}`,
    remedy: 'install driver and library of the same release',
  })
}

function noDriver(detail: string, cause?: unknown): Obstacle {
  return {
    code: 'ERR_PENDSHARE_NO_DRIVER',
    detail,
    remedy:
      'install the driver as docs/windows.md says and start it with `sc start pendshare`; to develop without it, ' +
      "open({ backend: 'mock' })",
    cause,
  }
}

function start({ addon, native, info }: Reached, sink: EventSink): WindowsDevice {
  try {
    return WindowsDevice.start(addon, native, info, sink)
  } catch (error) {
    native.close()
    throw requestError(addon, statusOf(error), 'open()')
  }
}
