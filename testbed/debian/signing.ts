/** The signatures of modules: DKMS's, and those of `sign.sh`. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kernel } from '../linux-vm/kernels.ts'
import type { Checks } from '../pack/checks.ts'
import { ROOT } from '../pages.ts'
import { type Machine, PACKAGES } from './machine.ts'

export const SIGN = 'drivers/linux/sign.sh'

export async function checkSigning(
  checks: Checks,
  machine: Machine,
  kernels: readonly Kernel[],
): Promise<void> {
  const [script = ''] = await machine.take(PACKAGES, [join(ROOT, SIGN)])
  const sign = async (...words: string[]) => (await machine.run('sh', script, ...words)).stdout
  for (const { name, release } of kernels)
    await checks.check(
      `${name}: DKMS has signed the module, with the key that sign.sh uses too`,
      async () => {
        assert.equal(await machine.modinfo(release, 'signer'), 'DKMS module signing key')
        assert.match(await sign(release), /pendshare\.ko: was signed by 'DKMS module signing key' before/)
      },
    )
  const pair = ['--key', `${PACKAGES}/own.key`, '--certificate', `${PACKAGES}/own.der`]
  await checks.check('sign.sh makes a key, and signs the module of each kernel with it alone', async () => {
    const said = await sign(...pair)
    const owner = `Module signing key of ${(await machine.run('uname', '-n')).stdout.trim()}`
    for (const { release } of kernels) {
      const path = await machine.modinfo(release, 'filename')
      assert.ok(said.includes(`${path}: signed by '${owner}'`), said)
      assert.equal(await machine.modinfo(release, 'signer'), owner)
      const module = await readFile(join(machine.root, path), 'latin1')
      assert.equal(module.split('~Module signature appended~').length, 2)
    }
  })
  await checks.check('it refuses a key without its certificate', async () => {
    await assert.rejects(sign('--key', `${PACKAGES}/own.key`), /--key and --certificate go together/)
    await assert.rejects(sign(...pair.slice(0, 3), `${PACKAGES}/lost.der`), /there is only one/)
  })
}
