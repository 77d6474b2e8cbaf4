/** The Linux backend of pendshare: `linux` carries shares to pendshare.ko through the addon in native/. */
export { linux, loadedAddon, revoke, WAKEUPS, type Wakeup } from './backend.ts'
