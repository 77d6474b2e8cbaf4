/** Packing copies the headers into the workspace for as long as it lasts: if it was killed, nothing may be compiled with that copy. */
import assert from 'node:assert/strict'
import { cp, mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../pages.ts'
import type { Project } from './project.ts'

/** Configures the addon in a copy of the workspace that has both, inside of `project` for its build tools. */
export async function checkStaleCopy(project: Project): Promise<void> {
  const workspace = join(project.directory, 'workspace')
  const native = join(workspace, 'packages/native')
  const backend = join(workspace, 'packages/backend-linux')
  for (const path of ['drivers/include', 'packages/native/cc', 'packages/native/package.json'])
    await cp(join(ROOT, path), join(workspace, path), { recursive: true })
  for (const path of ['CMakeLists.txt', 'package.json', 'native'])
    await cp(join(ROOT, 'packages/backend-linux', path), join(backend, path), { recursive: true })
  await cp(join(ROOT, 'drivers/include'), join(native, 'include'), { recursive: true })
  await mkdir(join(backend, 'node_modules/@pendshare'), { recursive: true })
  await symlink(native, join(backend, 'node_modules/@pendshare/native'))

  const options = ['--directory', backend, '--CDCMAKE_EXPORT_COMPILE_COMMANDS=ON']
  await project.run('npx cmake-js configure', options)
  const commands = await readFile(join(backend, 'build/compile_commands.json'), 'utf8')
  const headers = ['drivers/include', 'native/include', 'native/cc/../include']
  assert.deepEqual(
    headers.filter((directory) => commands.includes(directory)),
    ['drivers/include'],
  )
}
