/** The packages as the tools of others judge them: publint, are-the-types-wrong, and the compilers of users. */
import { join } from 'node:path'
import { mustRun } from '../command.ts'
import { ROOT } from '../pages.ts'
import type { Checks } from './checks.ts'
import type { Project } from './project.ts'
import { isPrebuilt, type Tarball } from './tarballs.ts'

/** Compilers by the names that they are installed under. */
const COMPILERS = { 'typescript-5': 'npm:typescript@5.9', 'typescript-7': 'npm:typescript@7.0.2' }

/** What is exported for cmake. */
const NO_MODULES = ['cc/addon.cmake']

export async function checkLints(checks: Checks, tarballs: readonly Tarball[]): Promise<void> {
  const bin = (name: string) => join(ROOT, 'node_modules/.bin', name)
  for (const tarball of tarballs) {
    const { name } = tarball.manifest
    await checks.check(`${name}: publint`, async () => {
      await mustRun([bin('publint'), '--strict', tarball.path])
    })
    if (!isPrebuilt(tarball))
      await checks.check(`${name}: are the types wrong`, async () => {
        await mustRun([
          bin('attw'),
          '--profile',
          'esm-only',
          '--exclude-entrypoints',
          ...NO_MODULES,
          '--',
          tarball.path,
        ])
      })
  }
}

/** In `project`, whose programs have a types.ts. */
export async function checkTypes(checks: Checks, project: Project): Promise<void> {
  const installed = await checks.check('npm installs TypeScript 5.9 and 7', async () => {
    const wanted = Object.entries(COMPILERS).map(([name, spec]) => `${name}@${spec}`)
    await project.run(`npm install --no-save @types/node@22 ${wanted.join(' ')}`)
  })
  if (!installed) return
  for (const name of Object.keys(COMPILERS))
    await checks.check(`${name} takes the types, with skipLibCheck off`, async () => {
      await project.run(`node node_modules/${name}/bin/tsc -p tsconfig.json`)
    })
}
