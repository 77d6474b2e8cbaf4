/** The Linux backend of pendshare: `linux` carries shares to pendshare.ko through the addon in native/. */
export { linux, WAKEUPS, type Wakeup } from './backend.ts'
