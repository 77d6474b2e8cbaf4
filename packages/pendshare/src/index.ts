/** The package that users install: the core's contract with this project's backends behind `open()`. */
import { createOpen } from '@pendshare/core'
import { loaders } from './loaders.ts'

export * from '@pendshare/core'

/**
 * Opens a device: by `options.backend`, by the environment variable `PENDSHARE_BACKEND`, else by this
 * system's own driver. The mock is never chosen by itself.
 *
 * @throws PendshareError `ERR_PENDSHARE_NO_DRIVER`, `ERR_PENDSHARE_PERMISSION`, `ERR_PENDSHARE_ABI_MISMATCH`,
 * `ERR_PENDSHARE_ADDON`, `ERR_PENDSHARE_ADDON_FORBIDDEN`, `ERR_PENDSHARE_UNKNOWN_BACKEND`,
 * `ERR_PENDSHARE_INVALID_ARGUMENT`; the message says what to do.
 */
export const open = createOpen(loaders)
