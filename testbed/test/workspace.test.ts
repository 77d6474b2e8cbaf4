/** The workspace is installed for the Node that runs it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT } from '../pages.ts'

it('pnpm judges optional dependencies by the pinned Node, not by the one that happens to run it', async () => {
  const { devDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  const settings = await readFile(join(ROOT, 'pnpm-workspace.yaml'), 'utf8')
  expect(settings).toContain(`\nnodeVersion: ${devDependencies.node}\n`)
})
