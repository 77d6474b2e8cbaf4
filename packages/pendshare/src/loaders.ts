/** The backends by name. Each is imported, and its addon loaded, only when it is asked for. */
import type { Backend } from '@pendshare/core'

export const loaders: Readonly<Record<string, () => Promise<Backend>>> = {
  linux: async () => (await import('@pendshare/backend-linux')).linux,
  windows: async () => (await import('@pendshare/backend-windows')).windows,
  mock: async () => (await import('@pendshare/backend-mock')).mock(),
}
