/** What the backends with a native addon share: a `Backend` over a port, which is C++ beside this. */
export type { Addon, NativeDevice } from './addon.ts'
export { NativeBackend, type System } from './backend.ts'
export { Errors, type ErrorTable } from './errors.ts'
export { type AddonPlace, addonLoader, addonPlatform, type LoadedAddon } from './load.ts'
