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
import { LinuxDevice } from './device.ts'
import { errnoOf, requestError, revokeError, systemCause } from './errors.ts'

/**
 * How events reach the event loop. `poll`, the default where it can be: the event loop polls the device through libuv,
 * without a thread and with one hop less. `thread`: a thread waits in the driver, and all is Node-API.
 */
export const WAKEUPS = ['poll', 'thread'] as const
export type Wakeup = (typeof WAKEUPS)[number]

const DEVICE_PATH = '/dev/pendshare'

export const linux: Backend = {
  name: 'linux',

  async probe(): Promise<Probe> {
    const found = await reach(DEVICE_PATH, 'thread')
    if ('code' in found) {
      const { code, detail, remedy } = found
      return { usable: false, code, detail, remedy }
    }
    found.native.close()
    return { usable: true, detail: `${DEVICE_PATH} speaks ABI ${found.info.abi}` }
  },

  /** Rejects with `ERR_PENDSHARE_INVALID_ARGUMENT` for an unknown `wakeup`, and with what `probe()` names. */
  async open(request: OpenRequest, sink: EventSink): Promise<BackendDevice> {
    const wakeup = chooseWakeup(request.wakeup)
    return start(orThrow(await reach(request.path ?? DEVICE_PATH, wakeup)), sink)
  },
}

/**
 * For administrators (CAP_SYS_ADMIN): takes the memory of every share in the driver back. `graceMs` 0: at once, as
 * `device-removed`, and devices that are open now are dead. Else every owner gets a recall, and what is left
 * after so many milliseconds (at most 3600000) ends as `recalled`.
 *
 * Rejects with what `probe()` names, and with `ERR_PENDSHARE_PERMISSION`.
 */
export async function revoke(graceMs: number): Promise<void> {
  const { addon, native } = orThrow(await reach(DEVICE_PATH, 'thread'))
  const errno = native.revoke(graceMs)
  native.close()
  if (errno !== 0) throw revokeError(addon, errno)
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
  const { code, detail, remedy, cause } = found
  throw new PendshareError(code, `${detail}; ${remedy}`, cause === undefined ? {} : { cause })
}

/** `undefined`: whichever is to be had. */
function chooseWakeup(asked: string | undefined): Wakeup | undefined {
  const name = asked ?? (process.env.PENDSHARE_WAKEUP || undefined)
  if (name === undefined) return undefined
  const wakeup = WAKEUPS.find((known) => known === name)
  if (wakeup !== undefined) return wakeup
  const message = `no wakeup '${name}'; the Linux backend has ${WAKEUPS.join(' and ')}`
  throw new PendshareError('ERR_PENDSHARE_INVALID_ARGUMENT', message)
}

/** The device is looked for before the addon: where both are missing, the driver is what a user needs to hear of. */
async function reach(path: string, wakeup: Wakeup | undefined): Promise<Reached | Obstacle> {
  if (process.platform !== 'linux') return noDriver(`this is ${process.platform}, not Linux`)
  try {
    await access(path)
  } catch (error) {
    // Whatever else it is, opening tells it better.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return noDriver(`no ${path}`)
  }
  try {
    const addon = loadAddon()
    const native = addon.openDevice(path, wakeup === undefined ? addon.canPoll : wakeup === 'poll')
    return greet(addon, native, path)
  } catch (error) {
    if (!(error instanceof PendshareError)) return openObstacle(loadAddon(), errnoOf(error), path)
    const { code, message: detail } = error
    return { code, detail, remedy: 'then try again', cause: error.cause }
  }
}

function openObstacle(addon: Addon, number: number, path: string): Obstacle {
  const cause = systemCause(addon, number)
  switch (cause.name) {
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return noDriver(`nothing answers at ${path}`, cause)
    case 'EACCES':
    case 'EPERM':
      return {
        code: 'ERR_PENDSHARE_PERMISSION',
        detail: `this user may not open ${path}`,
        remedy: 'add them to the group pendshare (`sudo usermod -aG pendshare $USER`) and log in again',
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
    return obstacle(noDriver(`${path} is not a pendshare device`, systemCause(addon, errnoOf(error))))
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
      'load the driver with `sudo modprobe pendshare`, after `make -C drivers/linux && sudo make -C drivers/linux install` ' +
      "where it is not installed; to develop without it, open({ backend: 'mock' })",
    cause,
  }
}

function start({ addon, native, info }: Reached, sink: EventSink): LinuxDevice {
  let device: LinuxDevice | undefined
  try {
    device = LinuxDevice.start(addon, native, info, sink)
  } catch (error) {
    throw requestError(addon, errnoOf(error), 'open()')
  } finally {
    if (device === undefined) native.close()
  }
  if (device !== undefined) return device
  throw new PendshareError(
    'ERR_PENDSHARE_ADDON',
    "wakeup 'poll' needs Node and an addon that was built beside Node's uv.h; use wakeup 'thread'",
  )
}
