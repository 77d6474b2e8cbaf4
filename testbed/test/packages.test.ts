/** The one list of Debian packages: what no script asks for any more does not stay in it. (What is missing, the compiler says.) */
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { DEBIAN_PACKAGES } from '../packages.ts'
import { ROOT } from '../pages.ts'

it('every package in the list is asked for by a script', async () => {
  const sources: string[] = []
  for await (const path of glob('{testbed,bench,examples}/**/*.ts', { cwd: ROOT }))
    if (!/\/test\/|node_modules|testbed\/packages\.ts/.test(path))
      sources.push(await readFile(join(ROOT, path), 'utf8'))
  const unused = Object.keys(DEBIAN_PACKAGES).filter(
    (name) => !sources.some((text) => text.includes(`'${name}'`)),
  )
  expect(unused).toEqual([])
})
