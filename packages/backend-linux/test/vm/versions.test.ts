/** The one binary does all it does on the oldest and the newest Node too. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { installedNode, OTHER_NODES } from '../../../../testbed/nodes.ts'
import { runChild, wakeups } from './bed.ts'

for (const version of OTHER_NODES) {
  describe(`Node ${version}`, () => {
    for (const wakeup of wakeups) {
      it(`lives a whole life, woken by ${wakeup}`, async () => {
        const node = [installedNode(version), '--experimental-strip-types', '--no-warnings']
        const { code, signal, stdout } = await runChild('life.ts', [wakeup], node)
        assert.equal(stdout, '1 1\n1 1\nreleased cancelled\nreleased\n1 0\nclosed 0 1\n')
        assert.deepEqual([code, signal], [0, null])
      })
    }
  })
}
