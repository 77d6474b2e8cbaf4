import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../command.ts'

const CONCLUDE = join(import.meta.dirname, '../conclude.ts')

/** Runs `body` in a process that then ends with one test passed. */
function ending(body: string) {
  const program = `
    import { spawn } from 'node:child_process'
    import { leave } from ${JSON.stringify(CONCLUDE)}
    ${body}
    leave({ passed: 1, failed: 0, skipped: 0 }, true)`
  return run([process.execPath, '--input-type=module', '--eval', program])
}

test('a run ends by its counts alone when nothing is left', async () => {
  expect(await ending('')).toMatchObject({ exitCode: 0, output: '\n1 passed, 0 failed, 0 skipped\n' })
})

test('a program that nobody waits for is named, and does not hold up the end', async () => {
  const left = await ending(
    "spawn('sh', ['-c', 'read line # left'], { stdio: ['pipe', 'ignore', 'ignore'] })",
  )
  expect(left.exitCode).toBe(0)
  expect(left.output).toMatch(
    /^still open: .*ProcessWrap.*read line # left.*\n\n1 passed, 0 failed, 0 skipped\n$/,
  )
})
