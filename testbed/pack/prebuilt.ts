/** A project that has its addon from the prebuilt package: no compiler, whatever loads it, and whatever is wrong with it. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { rename, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { installNode, OTHER_NODES } from '../nodes.ts'
import { commandsIn } from './addon.ts'
import type { Checks } from './checks.ts'
import type { Project, Refusal } from './project.ts'
import { isPrebuilt, type Tarball } from './tarballs.ts'

/** Of the newest major of each, as people have them. */
const BUNDLERS = ['esbuild@0.28.2', 'vite@8.4.0']

const OWN = `@pendshare/linux-${process.arch}-gnu`

export async function checkPrebuilt(
  checks: Checks,
  project: Project,
  tarballs: readonly Tarball[],
): Promise<void> {
  await checks.check('npm installs the addon of this platform, and of no other system or processor', () =>
    checkChosen(project, tarballs),
  )
  for (const version of [OTHER_NODES[0], process.versions.node, OTHER_NODES[1]]) {
    const node = version === process.versions.node ? process.execPath : await installNode(version)
    const under = project.under(node)
    for (const type of ['module', 'commonjs'] as const) {
      const how = type === 'module' ? 'import' : 'require()'
      await checks.check(`Node ${version}, ${how}: open() asks the device`, async () =>
        assertAsked(await under.refusal('linux', 'linux', type)),
      )
    }
    await checks.check(`Node ${version}, a worker: open() asks the device`, async () =>
      assertAsked(await under.refusalOf('worker.mjs')),
    )
  }
  await checkBundles(checks, project)
  await checks.check('it runs where nobody may write', async () => {
    await project.run('chmod -R a-w node_modules')
    await assert.rejects(project.run(`${ORDINARY.join(' ')} touch node_modules/some`), /Permission denied/)
    assertAsked(await project.refusalOf('open.mjs', ORDINARY))
    await project.run('chmod -R u+w node_modules')
  })
  await checkFaults(checks, project)
}

/** The words that run a command as somebody for whom permissions hold; for root they do not. */
const ORDINARY = process.getuid?.() === 0 ? 'setpriv --bounding-set=-dac_override'.split(' ') : []

/** The addon loaded, and its device was asked: /dev/null is none of ours. */
function assertAsked({ code, message }: Refusal): void {
  assert.equal(code, 'ERR_PENDSHARE_NO_DRIVER', message)
  assert.match(message, /not a pendshare device/)
}

/** The npm of Debian 12 knows no libc, and installs both. */
function checkChosen(project: Project, tarballs: readonly Tarball[]): void {
  const installed = tarballs.filter(
    (tarball) => isPrebuilt(tarball) && existsSync(project.home(tarball.manifest.name)),
  )
  assert.ok(installed.some(({ manifest }) => manifest.name === OWN))
  const foreign = installed.filter(
    ({ manifest }) => !manifest.os?.includes(process.platform) || !manifest.cpu?.includes(process.arch),
  )
  assert.deepEqual(
    foreign.map(({ manifest }) => manifest.name),
    [],
  )
}

async function checkBundles(checks: Checks, project: Project): Promise<void> {
  const installed = await checks.check(`npm installs ${BUNDLERS.join(' and ')}`, async () => {
    await project.run(`npm install --no-save ${BUNDLERS.join(' ')}`)
  })
  if (!installed) return
  await checks.check('bundled by esbuild: open() asks the device', async () => {
    await project.run(
      'npx esbuild open.mjs --bundle --platform=node --format=esm --outfile=out/esbuild/open.mjs',
    )
    assertAsked(await project.refusalOf('out/esbuild/open.mjs'))
  })
  await checks.check('bundled by vite: open() asks the device', async () => {
    await project.run('npx vite build --config vite.config.mjs')
    assertAsked(await project.refusalOf('out/vite/open.mjs'))
  })
}

/** What can be wrong with it, and that what the message tells mends it. */
async function checkFaults(checks: Checks, project: Project): Promise<void> {
  const home = project.home(OWN)
  await checks.check('a truncated addon is told, and mended by what is told', async () => {
    await truncate(join(home, 'pendshare.node'), 4096)
    const { code, message } = await project.refusalOf('open.mjs')
    assert.equal(code, 'ERR_PENDSHARE_ADDON', message)
    assert.match(message, /pendshare\.node is truncated/)
    await project.run(commandsIn(message)[0] ?? '')
    assertAsked(await project.refusalOf('open.mjs'))
  })
  await checks.check('node_modules of another platform are told, and mended by what is told', async () => {
    await rename(home, project.home('@pendshare/linux-sparc-gnu'))
    const { code, message } = await project.refusalOf('open.mjs')
    assert.equal(code, 'ERR_PENDSHARE_ADDON', message)
    assert.ok(message.includes(`${OWN} is not installed`), message)
    await project.run(commandsIn(message)[0] ?? '')
    assertAsked(await project.refusalOf('open.mjs'))
    await rm(project.home('@pendshare/linux-sparc-gnu'), { recursive: true, force: true })
  })
}
