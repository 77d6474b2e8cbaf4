/** A child that opens a device for each stage named, reaches them all, and dies: `dying DEATH STAGE…`. */
import { reach, type Stage } from '../../../native/test/real/stages.ts'
import { openDevice } from './bed.ts'

const deaths = {
  TerminateProcess: () => process.kill(process.pid, 'SIGKILL'),
  exit: () => process.exit(7),
  uncaught: () => {
    throw new Error('uncaught, as the test wants it')
  },
}
export type Death = keyof typeof deaths

const [death, ...stages] = process.argv.slice(2) as [Death, ...Stage[]] // by death.test.ts
for (const stage of stages) await reach(stage, await openDevice())
// Shares once more where only the call itself still works.
const late = await openDevice()
process.on('exit', () => void late.share({ bytes: 4096 }))
setImmediate(deaths[death])
