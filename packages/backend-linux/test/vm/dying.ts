/** A child that opens a device for each stage named, reaches them all, and dies: `dying.ts WAKEUP DEATH STAGE…`. */

import { reach, type Stage } from '../../../native/test/real/stages.ts'
import type { Wakeup } from '../../src/index.ts'
import { openDevice } from './bed.ts'

const deaths = {
  SIGKILL: () => process.kill(process.pid, 'SIGKILL'),
  exit: () => process.exit(7),
  uncaught: () => {
    throw new Error('uncaught, as the test wants it')
  },
}
export type Death = keyof typeof deaths

if (import.meta.main) {
  const [wakeup, death, ...stages] = process.argv.slice(2) as [Wakeup, Death, ...Stage[]] // by death.test.ts
  for (const stage of stages) await reach(stage, await openDevice(wakeup))
  // Shares once more where only the call itself still works.
  const late = await openDevice(wakeup)
  process.on('exit', () => void late.share({ bytes: late.info.pageSize }))
  setImmediate(deaths[death])
}
