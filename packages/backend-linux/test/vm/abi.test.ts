/** A driver of the ABI before this library's, and of the one after it: each is really loaded, and both sides say so. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { PendshareError } from '@pendshare/core'
import { loadAddon } from '../../src/addon.ts'
import { linux, revoke } from '../../src/index.ts'

const { PENDSHARE_ABI_VERSION: ours } = loadAddon().addon.abi

/** Of a program in C with this ABI's header; its points, in TAP, are shown when one fails. */
const PROGRAM = new URL('../../../../drivers/linux/test/build/abi', import.meta.url).pathname

const DRIVERS = [
  {
    abi: ours - 1,
    module: process.env.PENDSHARE_OLDER_DRIVER,
    says: /: the driver is older; upgrade the driver .*`sudo modprobe pendshare`.*pendshare-dkms/,
  },
  {
    abi: ours + 1,
    module: process.env.PENDSHARE_NEWER_DRIVER,
    says: /: the library is older; .*`npm install pendshare@latest`$/,
  },
]

for (const { abi, module, says } of DRIVERS) {
  describe(`a driver of ABI ${abi}, a library of ABI ${ours}`, () => {
    before(() => execFileSync('insmod', [module ?? assert.fail('the bed names no module')]))
    after(() => execFileSync('rmmod', ['pendshare']))

    const refused = (error: unknown) => {
      assert.ok(error instanceof PendshareError)
      assert.equal(error.code, 'ERR_PENDSHARE_ABI_MISMATCH')
      assert.ok(error.message.startsWith(`the driver speaks ABI ${abi}, this library ABI ${ours}`))
      assert.match(error.message, says)
      return true
    }

    it('open() says which is older, and what to type', async () => {
      for (const wakeup of ['poll', 'thread'])
        await assert.rejects(
          linux.open({ path: undefined, wakeup }, () => {}),
          refused,
        )
    })

    it('revoke() says the same, and probe()', async () => {
      await assert.rejects(revoke(0), refused)
      const probe = await linux.probe()
      assert.ok(!probe.usable)
      assert.equal(probe.code, 'ERR_PENDSHARE_ABI_MISMATCH')
      assert.match(`${probe.detail}; ${probe.remedy}`, says)
    })

    it('answers programs of other ABIs as abi.h says', () => {
      execFileSync(PROGRAM, { env: { ...process.env, PENDSHARE_THEIRS: String(abi) } })
    })
  })
}
