/** The Windows backend of pendshare: `windows` carries shares to pendshare.sys through the addon in native/. */
export { loadedAddon, revoke, WAKEUPS, type Wakeup, windows } from './backend.ts'
