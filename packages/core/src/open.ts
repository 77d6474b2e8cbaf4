/**
 * Chooses the backend when a device is opened: by option, by `PENDSHARE_BACKEND`, else this system's own. No other
 * backend ever stands in for the one chosen; least of all the mock, which is used only by its name.
 */
import type { Backend } from './contract.ts'
import { type Device, OpenDevice } from './device.ts'
import { reportOpen } from './diagnostics.ts'
import { asPendshareError, PendshareError } from './errors.ts'
import { type OpenOptions, openOptions, parse } from './schemas.ts'

/** Backends by name; each is loaded only when it is chosen. */
export type Loaders = Readonly<Record<string, () => Promise<Backend>>>

const SYSTEM_BACKENDS: Readonly<Record<string, string>> = { linux: 'linux', win32: 'windows' }

/**
 * Makes an `open()` that knows the backends of `loaders` by name.
 *
 * `open()` rejects with `ERR_PENDSHARE_INVALID_ARGUMENT`, `ERR_PENDSHARE_UNKNOWN_BACKEND`, `ERR_PENDSHARE_NO_DRIVER`,
 * `ERR_PENDSHARE_PERMISSION`, `ERR_PENDSHARE_ABI_MISMATCH`, `ERR_PENDSHARE_ADDON`, `ERR_PENDSHARE_ADDON_FORBIDDEN` or
 * `ERR_PENDSHARE_SYSTEM`.
 */
export function createOpen(loaders: Loaders): (options?: OpenOptions) => Promise<Device> {
  return async (options = {}) => {
    const { backend: wanted, path, wakeup } = parse(openOptions, options, 'open()')
    const [backend, why] =
      typeof wanted === 'object' ? [wanted, 'given to open()'] : await loadByName(loaders, wanted)
    try {
      const device = await OpenDevice.open(backend, { path, wakeup }, why)
      reportOpen(backend.name, why)
      return device
    } catch (error) {
      throw asPendshareError(error, `cannot open backend '${backend.name}'`)
    }
  }
}

/** Opens a device of a backend object; it knows no backend by name. */
export const open = createOpen({})

async function loadByName(loaders: Loaders, wanted: string | undefined): Promise<[Backend, string]> {
  const [name, why] = chooseName(wanted)
  const load = Object.hasOwn(loaders, name) ? loaders[name] : undefined
  if (load === undefined) {
    const known = Object.keys(loaders).join(', ') || 'none by name; pass a Backend'
    throw new PendshareError(
      'ERR_PENDSHARE_UNKNOWN_BACKEND',
      `no backend '${name}' (${why}); known: ${known}`,
    )
  }
  try {
    return [await load(), why]
  } catch (error) {
    throw loadError(name, error)
  }
}

function chooseName(wanted: string | undefined): [name: string, why: string] {
  if (wanted !== undefined) return [wanted, `open({ backend: '${wanted}' })`]
  const fromEnvironment = process.env.PENDSHARE_BACKEND
  if (fromEnvironment) return [fromEnvironment, `PENDSHARE_BACKEND=${fromEnvironment}`]
  const own = SYSTEM_BACKENDS[process.platform]
  if (own !== undefined) return [own, `the driver for ${process.platform}, where this program runs`]
  throw new PendshareError(
    'ERR_PENDSHARE_NO_DRIVER',
    `there is no pendshare driver for ${process.platform}; ` +
      `to develop without one, set PENDSHARE_BACKEND=mock or call open({ backend: 'mock' })`,
  )
}

function loadError(name: string, error: unknown): PendshareError {
  if (error instanceof PendshareError) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ERR_DLOPEN_DISABLED') {
    return new PendshareError(
      'ERR_PENDSHARE_ADDON_FORBIDDEN',
      `backend '${name}' needs its native addon; run node with --allow-addons beside --permission`,
      { cause: error },
    )
  }
  const detail = error instanceof Error ? error.message : String(error)
  return new PendshareError(
    'ERR_PENDSHARE_ADDON',
    `backend '${name}' does not load (${detail}); install it again`,
    {
      cause: error,
    },
  )
}
