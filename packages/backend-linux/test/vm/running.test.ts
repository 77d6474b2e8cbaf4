/** A share in a process that goes on living: signals, children, a busy pool, limits. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readdirSync, readlinkSync } from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Share } from '@pendshare/core'
import {
  openDevice,
  POOL_THREADS,
  pinnedPages,
  runChild,
  startChild,
  threads,
  threadsFallTo,
  wakeups,
} from './bed.ts'

const LARGE_BYTES = 8 << 20

function openFiles(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === '/dev/pendshare'
    } catch {
      return false // the one that lists them
    }
  }).length
}

/** Lets the kernel write once more, and waits until JavaScript has heard of it. */
async function fillAgain(share: Share): Promise<number> {
  const rings = share.doorbell.total
  share.notify()
  while (share.doorbell.total === rings) await share.doorbell.wait()
  return share.memory[0] ?? -1
}

for (const wakeup of wakeups) {
  describe(`a process that is woken by ${wakeup}`, () => {
    it('stops, continues and handles signals without harm to its share', async () => {
      const child = startChild('ringing.ts', [wakeup])
      const closed = once(child.process, 'close')
      await Promise.race([once(child.process.stdout, 'data'), closed])
      for (let round = 0; round < 50; round++) {
        for (const signal of ['SIGUSR2', 'SIGSTOP', 'SIGCONT', 'SIGWINCH'] as const)
          child.process.kill(signal)
        await new Promise(setImmediate)
      }
      child.process.stdin.end()
      const [code] = await closed
      assert.equal(child.stdout(), 'ringing\nreleased after signals\n')
      assert.equal(code, 0)
    })

    it('starts children while the kernel writes into its memory, and still sees it', async () => {
      await using device = await openDevice(wakeup)
      for (const bytes of [device.info.pageSize, LARGE_BYTES]) {
        const share = await device.share({ bytes, peer: 'fill' })
        await share.doorbell.wait()
        for (let value = 1; value < 4; value++) {
          execFileSync('true')
          await once(spawn('true'), 'close')
          assert.equal(await fillAgain(share), value)
        }
        assert.equal((await share.release()).reason, 'released')
      }
    })

    it('gives thread and descriptor back when a device is closed', async () => {
      const before = await threads()
      const devices = await Promise.all([openDevice(wakeup), openDevice(wakeup)])
      assert.equal(await threads(), before + (wakeup === 'thread' ? 2 : 0))
      assert.equal(openFiles(), 2)
      for (const device of devices) await device.close()
      await threadsFallTo(before)
      assert.equal(openFiles(), 0)
    })

    it('pins large memory on the pool while the event loop turns, small memory in the call', async () => {
      const pipe = join(mkdtempSync(join(tmpdir(), 'pendshare-')), 'pipe')
      execFileSync('mkfifo', [pipe])
      await using device = await openDevice(wakeup)
      const blocked = Array.from({ length: POOL_THREADS }, () => openFile(pipe, 'r'))

      let settled = false
      const large = device.share({ bytes: LARGE_BYTES }).finally(() => (settled = true))
      const small = device.share({ bytes: device.info.pageSize })
      assert.equal(pinnedPages(), 1, 'pinned before share() returned')
      await (await small).release()
      assert.ok(!settled, 'no thread of the pool was free to pin it')

      openSync(pipe, 'w')
      for (const file of await Promise.all(blocked)) await file.close()
      await large
      assert.equal(pinnedPages(), LARGE_BYTES / device.info.pageSize)
    })

    it('closes while large memory is pinned, and settles it', async () => {
      const device = await openDevice(wakeup)
      const shares = Promise.allSettled([1, 2, 3].map((n) => device.share({ bytes: n * LARGE_BYTES })))
      await device.close()
      for (const outcome of await shares) {
        if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'ERR_PENDSHARE_CLOSED')
        else assert.equal((await outcome.value.ended).reason, 'closed')
      }
      assert.equal(pinnedPages(), 0)
    })

    for (const event of ['doorbell', 'end']) {
      it(`dies of what the sink throws at the ${event}`, async () => {
        const { code, stdout } = await runChild('throwing.ts', [wakeup, event])
        assert.equal(stdout, 'uncaught: thrown by the sink\n')
        assert.equal(code, 3)
      })
    }
  })
}
