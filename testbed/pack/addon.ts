/** An addon, compiled in a project by the commands that open() tells who has none. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../command.ts'
import { ROOT } from '../pages.ts'
import type { Checks } from './checks.ts'
import type { Project } from './project.ts'

export interface AddonTest {
  readonly backend: 'linux' | 'windows'
  /** Node's name of the system, for whose users the message is. */
  readonly platform: NodeJS.Platform
  /** What is added to the second command where it stands for another system. */
  readonly options?: () => Promise<readonly string[]>
}

/** Resolves with whether the addon is built. */
export async function checkBuild(checks: Checks, project: Project, test: AddonTest): Promise<boolean> {
  const { backend, platform, options } = test
  let commands: readonly string[] = []
  const told = await checks.check(`${backend}: open() says how to build the addon`, async () => {
    const { code, message } = await project.refusal(backend, platform)
    assert.equal(code, 'ERR_PENDSHARE_ADDON', message)
    // Before them: how to have the prebuilt one.
    commands = commandsIn(message).slice(-2)
    assert.match(commands.join('\n'), /^npm install .*\nnpx cmake-js compile /, message)
  })
  const [install = '', compile = ''] = commands
  return (
    told &&
    (await checks.check(`${backend}: ${install}`, async () => {
      await project.run(install)
    })) &&
    (await checks.check(`${backend}: ${compile.replace(project.directory, '.')}`, async () => {
      await project.run(compile, await options?.())
    })) &&
    (await checks.check(`${backend}: nothing of the workspace went into it`, () =>
      checkSources(project, test),
    ))
  )
}

export function commandsIn(message: string): string[] {
  return [...message.matchAll(/`([^`]+)`/g)].map(([, command = '']) => command)
}

/** That the README, which knows no directory, shows the commands of the message. Before the addon is built. */
export async function checkReadme(project: Project): Promise<void> {
  const { message } = await project.refusal('linux', 'linux')
  const readme = await readFile(join(ROOT, 'packages/backend-linux/README.md'), 'utf8')
  for (const command of commandsIn(message)) {
    const shown = command.replaceAll('"', '').replace(`${project.directory}/`, '')
    assert.ok(readme.includes(`\n${shown}\n`), `the README does not show: ${shown}`)
  }
}

/** The build knows by their paths all files that it has read. */
async function checkSources(project: Project, { backend }: AddonTest): Promise<void> {
  const build = join(project.home(`@pendshare/backend-${backend}`), 'build')
  const { exitCode, output } = await run(['grep', '-rlF', `${ROOT}/`, build])
  assert.equal(exitCode, 1, output)
}

/** That it is a 64-bit DLL for x86 which Node can ask for its exports. */
export async function checkDll(path: string): Promise<void> {
  const image = await readFile(path)
  const at = image.readUInt32LE(0x3c)
  assert.equal(image.toString('latin1', 0, 2), 'MZ')
  assert.equal(image.toString('latin1', at, at + 4), 'PE\0\0')
  assert.equal(image.readUInt16LE(at + 4), 0x8664, 'the processor')
  assert.equal(image.readUInt16LE(at + 22) & 0x2000, 0x2000, 'the flag of a DLL')
  assert.equal(image.readUInt16LE(at + 24), 0x20b, 'PE32+')
  assert.ok(image.includes('napi_register_module_v1'))
}
