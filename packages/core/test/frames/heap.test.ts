/** A frame costs no memory of the heap: neither one that is read, nor one that is written. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { it } from 'vitest'

const program = fileURLToPath(new URL('heap.ts', import.meta.url))

/** Room in MiB for all that 100,000 frames could allocate, so that nothing is collected before it is counted. */
const ROOM = 64

it('allocates nothing for a frame', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=@pendshare/source',
    '--expose-gc',
    `--min-semi-space-size=${ROOM}`,
    `--max-semi-space-size=${ROOM}`,
    program,
  ])
  const { captured, played, timed } = JSON.parse(stdout)
  assert(captured < 1, `poll() and release() allocate ${captured} bytes a frame`)
  assert(played < 1, `tryAcquire() and submit() allocate ${played} bytes a frame`)
  assert(timed >= 16, `a BigInt a frame is not seen: ${timed} bytes`)
})
