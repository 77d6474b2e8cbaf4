/** Whatever kills the owner in whatever stage: it dies at once, and then no page is pinned any more. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { STAGES, type Stage } from '../../../native/test/real/stages.ts'
import { nothingPinned, runChild } from './bed.ts'
import type { Death } from './dying.ts'

const EXIT_CODES: Record<Death, number> = { TerminateProcess: 1, exit: 7, uncaught: 1 }

async function die(death: Death, ...stages: readonly Stage[]): Promise<void> {
  const { code } = await runChild('dying', death, ...stages)
  assert.equal(code, EXIT_CODES[death])
  await nothingPinned()
}

/** Not pinning: under Wine 256 MiB go through a socket on their way to the driver. */
const QUICK = STAGES.filter((stage) => stage !== 'pinning')

describe('the death of a process leaves nothing pinned', () => {
  for (const stage of STAGES) it(`TerminateProcess while ${stage}`, () => die('TerminateProcess', stage))
  it('process.exit() in every stage at once', () => die('exit', ...QUICK))
  it('an uncaught exception in every stage at once', () => die('uncaught', ...QUICK))
})
