/** What the page about the mock shows is code that runs: each block is in the example, and the example passes. */
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const EXAMPLE = new URL('../../../examples/mock-test/', import.meta.url)
const PAGE = new URL('../../../docs/testing-with-the-mock.md', import.meta.url)

test('the example passes', { timeout: Infinity }, async () => {
  const file = fileURLToPath(new URL('recorder.test.ts', EXAMPLE))
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=@pendshare/source',
    '--test',
    '--test-reporter=tap',
    file,
  ])
  expect(stdout).toMatch(/^# pass 5$/m)
  expect(stdout).toMatch(/^# fail 0$/m)
})

test('every block of the page is in the example as it stands', async () => {
  const page = await readFile(PAGE, 'utf8')
  const blocks = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, block]) => block ?? '')
  const names = await readdir(EXAMPLE)
  const files = await Promise.all(names.map((name) => readFile(new URL(name, EXAMPLE), 'utf8')))
  expect(blocks).toHaveLength(6)
  for (const block of blocks) expect(files.some((file) => file.includes(block))).toBe(true)
})
