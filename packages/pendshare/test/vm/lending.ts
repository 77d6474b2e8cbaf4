/** Lends as many bytes as its argument says, says so, and goes on until its input ends. */
import { open } from '../../src/index.ts'

const device = await open()
const share = await device.share({ bytes: Number(process.argv[2]) })
console.log('lent')
for await (const _ of process.stdin);
await share.release()
await device.close()
