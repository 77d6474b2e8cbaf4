/** A child whose sink throws: `throwing.ts WAKEUP EVENT`, at a doorbell or at the end that release() brings. */

import { Region } from '@pendshare/core'
import { linux } from '../../src/index.ts'

const [wakeup, event] = process.argv.slice(2) as [string, string] // by running.test.ts
process.on('uncaughtException', (error) => {
  console.log(`uncaught: ${error.message}`)
  process.exit(3)
})
const device = await linux.open({ path: undefined, wakeup }, () => {
  throw new Error('thrown by the sink')
})
device.ref()
device.share({
  id: 1,
  memory: Region.allocate(device.info.pageSize).memory,
  access: 'readwrite',
  peer: event === 'doorbell' ? 'fill' : '',
  peerOptions: new Uint8Array(0),
  frames: undefined,
  reply: undefined,
  event: undefined,
  label: 'throwing',
  deadlineMs: undefined,
})
if (event === 'end') device.end(1, 'release')
