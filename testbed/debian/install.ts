/** From sources to installed packages and back to a machine on which nothing of them is left. */
import assert from 'node:assert/strict'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { mustRun } from '../command.ts'
import type { Kernel } from '../linux-vm/kernels.ts'
import { installNodeInto } from '../nodes.ts'
import type { Checks } from '../pack/checks.ts'
import { ROOT } from '../pages.ts'
import { type Machine, PACKAGES } from './machine.ts'
import { buildDebian, type Packages, packagesIn, shellcheck } from './package.ts'
import { typed } from './readme.ts'
import { SIGN } from './signing.ts'
import { driverVersion } from './source.ts'
import { NEXT } from './upgrade.ts'

export const USER = 'member'

/** Where the user has the library, and a clone of this repository. */
export const PROJECT = `/home/${USER}/project`
const CLONE = `/home/${USER}/pendshare`

/** Makes of a root the machine of a user who may become root, and answers apt's question with yes; `project` has the library. */
export async function settle(machine: Machine, project: string): Promise<void> {
  const { root } = machine
  await installNodeInto(root)
  await machine.run('useradd', '--create-home', '--shell', '/bin/sh', USER)
  await writeFile(join(root, 'etc/sudoers.d', USER), `${USER} ALL=(ALL) NOPASSWD: ALL\n`, { mode: 0o440 })
  await writeFile(join(root, 'etc/apt/apt.conf.d/90yes'), 'APT::Get::Assume-Yes "true";\n')
  await cp(project, join(root, PROJECT), { recursive: true, verbatimSymlinks: true })
  await machine.run('chown', '--recursive', USER, `/home/${USER}`)
  await mkdir(join(root, PACKAGES))
}

export async function checkBuild(
  checks: Checks,
  directory: string,
): Promise<{ first: Packages; next: Packages } | undefined> {
  const room = (name: string) => join(directory, 'packages', name)
  const version = await driverVersion()
  const command = typed.build.replace(/^sudo /, '')
  let packages: readonly Packages[] = []
  const built = await checks.check(
    `'${command}' builds the packages, and lintian has nothing to say`,
    async () => {
      const [, again, next] = await Promise.all([
        mustRun(['sh', '-c', `${command} -- --out "$0"`, room('first')], { cwd: ROOT, progress: command }),
        buildDebian(room('again')),
        buildDebian(room('next'), { version: NEXT }),
      ])
      packages = [await packagesIn(room('first'), version), again, next]
    },
  )
  const [first, again, next] = packages
  if (!built || !first || !again || !next) return undefined
  await checks.check('the same sources give the same packages', async () => {
    const same = first.files.filter((file) => /\.(deb|tar\.xz|dsc)$/.test(file))
    assert.equal(same.length, 4)
    for (const file of same)
      assert.ok((await readFile(file)).equals(await readFile(join(room('again'), basename(file)))), file)
    assert.equal(again.version, first.version)
  })
  await checks.check(`shellcheck of ${SIGN}`, () => shellcheck(join(ROOT, SIGN)))
  return { first, next }
}

/** By the README's line, on a machine whose kernel is the second of `kernels`. Resolves with whether they are installed. */
export async function checkInstall(
  checks: Checks,
  machine: Machine,
  { version, dkms, udev }: Packages,
  kernels: readonly [Kernel, Kernel],
): Promise<boolean> {
  await machine.take(`${CLONE}/dist/debian`, [dkms, udev])
  await machine.play(kernels[1].release)
  const installed = await checks.check(`a user types '${typed.install}'`, async () => {
    await machine.type(typed.install, { user: USER, cwd: CLONE })
  })
  await machine.unplay()
  if (!installed) return false
  await checks.check('there is a system group', async () => {
    const gid = Number((await machine.run('getent', 'group', 'pendshare')).stdout.split(':')[2])
    assert.ok(gid > 0 && gid < 1000, String(gid))
  })
  const { stdout: status } = await machine.run('dkms', 'status', '-m', 'pendshare')
  for (const { name, release } of kernels)
    await checks.check(`${name}: DKMS has built and installed the module`, async () => {
      assert.match(
        status,
        new RegExp(`^pendshare/${version}, ${release.replaceAll('+', '\\+')}, x86_64: installed$`, 'm'),
      )
      assert.equal(await machine.modinfo(release, 'version'), version)
      assert.ok((await machine.modinfo(release, 'vermagic')).startsWith(`${release} `))
    })
  return true
}

/** A group with members stays; all else goes. */
export async function checkPurge(
  checks: Checks,
  machine: Machine,
  before: ReadonlySet<string>,
): Promise<void> {
  await checks.check('purging leaves a group that has members, and says so', async () => {
    await machine.type(typed.join, { user: USER, cwd: '/' })
    const { output } = await machine.run('dpkg', '--purge', 'pendshare-dkms', 'pendshare-udev')
    assert.match(output, /The group pendshare stays/)
    assert.ok((await machine.accounts()).some((line) => line.startsWith('pendshare:')))
    await machine.run('groupdel', 'pendshare')
  })
  await checks.check('and nothing else', () => checkNothingLeft(machine, before))
}

export async function checkNothingLeft(machine: Machine, before: ReadonlySet<string>): Promise<void> {
  const after = await machine.paths()
  assert.deepEqual(
    [...after].filter((path) => !before.has(path)),
    [],
  )
  const groups = await machine.accounts()
  assert.deepEqual(
    groups.filter((line) => line.startsWith('pendshare:')),
    [],
  )
}
