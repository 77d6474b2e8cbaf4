/** Whatever kills the owner in whatever stage: it dies at once, and then no page is pinned any more. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { STAGES, type Stage } from '../../../native/test/real/stages.ts'
import type { Wakeup } from '../../src/index.ts'
import { pinnedPages, runChild, wakeups } from './bed.ts'
import type { Death } from './dying.ts'

/** How each death shows to the parent. */
const OUTCOMES: Record<Death, [code: number | null, signal: string | null]> = {
  SIGKILL: [null, 'SIGKILL'],
  exit: [7, null],
  uncaught: [1, null],
}

async function die(wakeup: Wakeup, death: Death, ...stages: readonly Stage[]): Promise<void> {
  const { code, signal } = await runChild('dying.ts', [wakeup, death, ...stages])
  assert.deepEqual([code, signal], OUTCOMES[death])
  assert.equal(pinnedPages(), 0)
}

for (const wakeup of wakeups) {
  describe(`the death of a process that is woken by ${wakeup} leaves nothing pinned`, () => {
    for (const stage of STAGES) it(`SIGKILL while ${stage}`, () => die(wakeup, 'SIGKILL', stage))
    it('process.exit() in every stage at once', () => die(wakeup, 'exit', ...STAGES))
    it('an uncaught exception in every stage at once', () => die(wakeup, 'uncaught', ...STAGES))
  })
}
