/** Finds the driver and opens its device, or says what is missing and what to do about it. */
import { access } from 'node:fs/promises'
import {
  type AddonOrigin,
  type Backend,
  type BackendDevice,
  type ErrorCode,
  type EventSink,
  type OpenRequest,
  PendshareError,
  type Probe,
  type Supports,
} from '@pendshare/core'
import type { NativeDevice, NativeInfo } from './addon.ts'
import { NativeBackendDevice } from './device.ts'
import { Errors, type ErrorTable, statusOf } from './errors.ts'
import type { LoadedAddon } from './load.ts'

/** What a backend says of its system. */
export interface System<Wakeup extends string> {
  /** The backend's name. */
  readonly name: string
  /** The system's own name, and Node's for it. */
  readonly title: string
  readonly platform: NodeJS.Platform
  /** Where the driver's device is unless the caller says otherwise. */
  readonly devicePath: string
  /** The ways in which events reach the event loop: `poll` by libuv, `thread` by a thread that waits. */
  readonly wakeups: readonly Wakeup[]
  /** Whether a process has a limit of its own of what it may lock, and can be told of it. */
  readonly memlock: boolean
  readonly loadAddon: () => LoadedAddon
  readonly errors: ErrorTable
  /** Names of `addon.status` by which opening fails: there is no such device; this user may not. */
  readonly missing: readonly string[]
  readonly forbidden: readonly string[]
  /** What to do then, as imperatives. */
  readonly installDriver: string
  readonly getPermission: string
}

interface Reached extends LoadedAddon {
  readonly native: NativeDevice
  readonly info: NativeInfo
  readonly errors: Errors
}

interface Obstacle {
  readonly code: ErrorCode
  readonly detail: string
  readonly remedy: string
  readonly cause?: unknown
}

/** How a device is wanted. `poll` undefined: where that is to be had. */
interface Wish {
  readonly poll?: boolean | undefined
  readonly administrator?: boolean
}

/** What each driver of this project can. */
const EVERYTHING: Supports = {
  memlock: true,
  deadline: true,
  removal: true,
  ownerExit: true,
  event: true,
  liveMemory: true,
}

export class NativeBackend<Wakeup extends string> implements Backend {
  readonly name: string
  readonly #system: System<Wakeup>

  constructor(system: System<Wakeup>) {
    this.name = system.name
    this.#system = system
  }

  async probe(): Promise<Probe> {
    const { devicePath } = this.#system
    const found = await this.#reach(devicePath, { poll: false })
    if ('code' in found) {
      const { code, detail, remedy } = found
      return { usable: false, code, detail, remedy }
    }
    found.native.close()
    const { kind, path } = found.origin
    return {
      usable: true,
      detail: `${devicePath} speaks ABI ${found.info.abi}, by the ${kind} addon ${path}`,
    }
  }

  /** Rejects with `ERR_PENDSHARE_INVALID_ARGUMENT` for an unknown `wakeup`, and with what `probe()` names. */
  async open(request: OpenRequest, sink: EventSink): Promise<BackendDevice> {
    const wakeup = this.#chooseWakeup(request.wakeup)
    const poll = wakeup === undefined ? undefined : wakeup === 'poll'
    const path = request.path ?? this.#system.devicePath
    return this.#start(orThrow(await this.#reach(path, { poll })), sink)
  }

  /** Loads the addon unless that has been done. Throws `ERR_PENDSHARE_ADDON`, `ERR_PENDSHARE_ADDON_FORBIDDEN`. */
  addonOrigin(): AddonOrigin {
    return this.#system.loadAddon().origin
  }

  /** For administrators; the backends export it as `revoke()`. */
  async revoke(graceMs: number): Promise<void> {
    const wish = { poll: false, administrator: true }
    const { native, errors } = orThrow(await this.#reach(this.#system.devicePath, wish))
    const status = native.revoke(graceMs)
    native.close()
    if (status !== 0) throw errors.ofRevoke(status)
  }

  /** `undefined`: whichever is to be had. */
  #chooseWakeup(asked: string | undefined): Wakeup | undefined {
    const { wakeups, title } = this.#system
    const name = asked ?? (process.env.PENDSHARE_WAKEUP || undefined)
    if (name === undefined) return undefined
    const wakeup = wakeups.find((known) => known === name)
    if (wakeup !== undefined) return wakeup
    const message = `no wakeup '${name}'; the ${title} backend has ${wakeups.join(' and ')}`
    throw new PendshareError('ERR_PENDSHARE_INVALID_ARGUMENT', message)
  }

  /** The device is looked for before the addon: where both are missing, the driver is what a user needs to hear of. */
  async #reach(path: string, { poll, administrator = false }: Wish): Promise<Reached | Obstacle> {
    const { platform, title, loadAddon, errors } = this.#system
    if (process.platform !== platform) return this.#noDriver(`this is ${process.platform}, not ${title}`)
    try {
      await access(path)
    } catch (error) {
      // Whatever else it is, opening tells it better.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
        return this.#noDriver(`no ${path}`)
    }
    try {
      const loaded = loadAddon()
      const { addon } = loaded
      const native = addon.openDevice(path, poll ?? addon.canPoll, administrator)
      return this.#greet(loaded, native, new Errors(addon, errors), path)
    } catch (error) {
      if (!(error instanceof PendshareError))
        return this.#openObstacle(new Errors(loadAddon().addon, errors), statusOf(error), path)
      const { code, message: detail } = error
      return { code, detail, remedy: 'then try again', cause: error.cause }
    }
  }

  #openObstacle(errors: Errors, status: number, path: string): Obstacle {
    const { missing, forbidden, getPermission: remedy } = this.#system
    const cause = errors.cause(status)
    if (missing.includes(cause.name)) return this.#noDriver(`nothing answers at ${path}`, cause)
    if (forbidden.includes(cause.name)) {
      const detail = `this user may not open ${path}`
      return { code: 'ERR_PENDSHARE_PERMISSION', detail, remedy, cause }
    }
    const detail = `cannot open ${path}: ${cause.name}`
    return { code: 'ERR_PENDSHARE_SYSTEM', detail, remedy: 'see the cause', cause }
  }

  /** Asks the driver who it is, and hangs up unless it speaks our ABI. */
  #greet(loaded: LoadedAddon, native: NativeDevice, errors: Errors, path: string): Reached | Obstacle {
    const obstacle = (found: Obstacle) => {
      native.close()
      return found
    }
    let info: NativeInfo
    try {
      info = native.info()
    } catch (error) {
      return obstacle(this.#noDriver(`${path} is not a pendshare device`, errors.cause(statusOf(error))))
    }
    const { PENDSHARE_ABI_VERSION: ours } = loaded.addon.abi
    if (info.abi === ours) return { ...loaded, native, info, errors }
    const older = info.abi < ours ? 'driver' : 'library'
    return obstacle({
      code: 'ERR_PENDSHARE_ABI_MISMATCH',
      detail: `the driver speaks ABI ${info.abi}, this library ABI ${ours}: the ${older} is older`,
      remedy:
        older === 'driver'
          ? `upgrade the driver and unload the old one; then ${this.#system.installDriver}`
          : 'upgrade the library with `npm install pendshare@latest`',
    })
  }

  #noDriver(detail: string, cause?: unknown): Obstacle {
    const remedy = `${this.#system.installDriver}; to develop without it, open({ backend: 'mock' })`
    return { code: 'ERR_PENDSHARE_NO_DRIVER', detail, remedy, cause }
  }

  #start(reached: Reached, sink: EventSink): NativeBackendDevice {
    const { native, errors } = reached
    const supports = Object.freeze({ ...EVERYTHING, memlock: this.#system.memlock })
    let device: NativeBackendDevice | undefined
    try {
      device = NativeBackendDevice.start({ ...reached, supports }, sink)
    } catch (error) {
      throw errors.ofRequest(statusOf(error), 'open()')
    } finally {
      if (device === undefined) native.close()
    }
    if (device !== undefined) return device
    throw new PendshareError(
      'ERR_PENDSHARE_ADDON',
      "wakeup 'poll' needs Node and an addon that was built beside Node's uv.h; use wakeup 'thread'",
    )
  }
}

function orThrow(found: Reached | Obstacle): Reached {
  if (!('code' in found)) return found
  const { code, detail, remedy, cause } = found
  throw new PendshareError(code, `${detail}; ${remedy}`, cause === undefined ? {} : { cause })
}
