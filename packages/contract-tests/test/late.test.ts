/** A machine whose timers come late keeps the contract: what was missed is counted, and nothing is asked of it in time. */
import { mock } from '@pendshare/backend-mock'
import { laws, runLaw } from '@pendshare/contract-tests'
import { open } from '@pendshare/core'
import { it } from 'vitest'
import { capture } from '../../backend-mock/src/peers/capture.ts'
import type { MockPeer } from '../../backend-mock/src/peers/peer.ts'
import { subjectOf } from './subject.ts'

/** Each tick of a timer is told with a thousand that were missed, while there are any. */
function late(misses: number): MockPeer {
  return {
    ...capture,
    attach(share) {
      const capturing = capture.attach(share)
      return {
        ...capturing,
        step: (now, ticks) => capturing.step?.(now, ticks > 0 && misses-- > 0 ? ticks + 1000 : ticks),
      }
    },
  }
}

for (const misses of [1, 2, 3, 5])
  for (const law of laws.filter(({ law, needs }) => law === 'frames' && needs.includes('peer capture')))
    it(`${misses} late ticks: ${law.title}`, () => {
      const driver = mock({ peers: [late(misses)] })
      return runLaw(law, {
        ...subjectOf((good) => good),
        open: (watch) => open({ backend: watch(driver) }),
      })
    })
