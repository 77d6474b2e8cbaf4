/** Every operation on a share and on a device, in every state of it: each pair has one answer. */
import assert from 'node:assert/strict'
import type { Device, End, Share, ShareOptions } from '@pendshare/core'
import type { Context } from '../context.ts'
import { room } from '../law.ts'
import type { Need } from '../subject.ts'
import { lend, rejects } from './steps.ts'

/** A share in one state, and what has been decided of its end. */
interface Stand {
  readonly context: Context
  readonly device: Device
  readonly share: Share
  readonly controller: AbortController
  /** The promise of `share()`, while that is all there is. */
  readonly attempt?: Promise<Share>
  /** The reason that is decided already. */
  readonly decided?: End['reason']
}

interface ShareState {
  readonly name: string
  readonly live: boolean
  /** Brings a fresh share into the state, in this tick. */
  reach(stand: Stand): Stand | Promise<Stand>
}

const options = (signal: AbortSignal): ShareOptions => ({ peer: 'fill', signal })

const shareStates: readonly ShareState[] = [
  { name: 'pended', live: true, reach: (stand) => stand },
  {
    name: 'ending',
    live: false,
    reach: (stand) => {
      void stand.share.release()
      return { ...stand, decided: 'released' }
    },
  },
  {
    name: 'ended',
    live: false,
    reach: async (stand) => {
      await stand.context.within('release()', stand.share.release())
      return { ...stand, decided: 'released' }
    },
  },
]

interface ShareOperation {
  readonly name: string
  readonly run: (stand: Stand, state: ShareState) => Promise<void>
}

/** Waits for the End, which is the decided one, or `otherwise`. */
async function ends(stand: Stand, answer: PromiseLike<unknown>, otherwise: End['reason']): Promise<End> {
  const given = await stand.context.within('the answer', answer)
  const end = await stand.context.within('the end', stand.share.ended)
  if (given !== undefined) assert.equal(given, end)
  assert.equal(end.reason, stand.decided ?? otherwise)
  assert.equal(stand.share.state, 'ended')
  return end
}

const shareOperations: readonly ShareOperation[] = [
  { name: 'release()', run: async (stand) => void (await ends(stand, stand.share.release(), 'released')) },
  {
    name: 'cancel(reason)',
    run: async (stand) => {
      const end = await ends(stand, stand.share.cancel('why'), 'cancelled')
      assert.equal(end.cause, stand.decided === undefined ? 'why' : undefined)
    },
  },
  {
    name: 'abort of its signal',
    run: async (stand) => {
      stand.controller.abort('why')
      const end = await ends(
        stand,
        stand.decided === undefined ? stand.share.ended : stand.share.release(),
        'cancelled',
      )
      assert.equal(end.cause, stand.decided === undefined ? 'why' : undefined)
    },
  },
  {
    name: 'disposal',
    run: async (stand) => void (await ends(stand, stand.share[Symbol.asyncDispose](), 'cancelled')),
  },
  { name: 'device.close()', run: async (stand) => void (await ends(stand, stand.device.close(), 'closed')) },
  {
    name: 'notify()',
    run: async ({ context, share }, { name, live }) => {
      if (live) return share.notify()
      const error = await rejects(context, 'notify()', 'ERR_PENDSHARE_ENDED', () => share.notify())
      if (name === 'ended') assert.match(error.message, /released/)
    },
  },
  {
    name: 'doorbell.wait()',
    run: async ({ context, share }, { live }) => {
      // The first fill rings once, whether it is waited for before or after the end.
      if (live) assert.equal(await context.within('wait()', share.doorbell.wait()), 1)
      else {
        await context.within('the end', share.ended)
        if (share.doorbell.total > 0) assert.equal(await context.within('wait()', share.doorbell.wait()), 1)
        await rejects(context, 'wait()', 'ERR_PENDSHARE_ENDED', () => share.doorbell.wait())
      }
    },
  },
  {
    name: 'iteration of its doorbell',
    run: async ({ context, share }, { live }) => {
      const iterate = async () => {
        let sum = 0
        for await (const count of share.doorbell) {
          sum += count
          if (live) break
        }
        return sum
      }
      const sum = await context.within('the iteration', iterate())
      assert.ok(live ? sum === 1 : sum <= 1, `${sum} rings were told`)
    },
  },
  {
    name: 'ring',
    run: async ({ context, share }, { name }) => {
      const code = name === 'ended' ? 'ERR_PENDSHARE_ENDED' : 'ERR_PENDSHARE_NO_RING'
      await rejects(context, 'the ring of a fill', code, () => share.ring)
    },
  },
  {
    name: 'sharing its region again',
    run: async ({ context, device, share }) => {
      const again = () => device.share(share.region)
      if (share.state === 'ended')
        await context.within('release()', (await context.within('share()', again())).release())
      else await rejects(context, 'share()', 'ERR_PENDSHARE_REGION_IN_USE', again)
    },
  },
  {
    name: 'ref() and unref()',
    run: async ({ share }) => {
      for (let round = 0; round < 3; round++)
        assert.equal(share.unref().unref().ref().ref().unref().ref(), share)
    },
  },
  {
    name: 'reading its properties',
    run: async ({ share, device }) => {
      assert.ok(share.id > 0)
      assert.deepEqual([share.label, share.access, share.peer], ['', 'readwrite', 'fill'])
      assert.equal(share.memory, share.region.memory)
      assert.equal(share.region.lent, share.state !== 'ended')
      assert.equal(device.shares().includes(share), share.state !== 'ended')
      assert.equal(share.recalled.aborted, false)
    },
  },
]

/** What may be called before the driver has answered: through `device.shares()`, `device.close()` or the signal. */
const whileSharing = [
  'release()',
  'cancel(reason)',
  'ref() and unref()',
  'reading its properties',
  'notify()',
]

interface DeviceState {
  readonly name: string
  readonly needs: readonly Need[]
  /** Code of a share that is asked for now. */
  readonly code?: 'ERR_PENDSHARE_CLOSED' | 'ERR_PENDSHARE_REMOVED'
  reach(device: Device, context: Context): unknown
}

const deviceStates: readonly DeviceState[] = [
  { name: 'open', needs: [], reach: () => {} },
  { name: 'closing', needs: [], code: 'ERR_PENDSHARE_CLOSED', reach: (device) => void device.close() },
  { name: 'closed', needs: [], code: 'ERR_PENDSHARE_CLOSED', reach: (device) => device.close() },
  {
    name: 'removed',
    needs: ['remove'],
    code: 'ERR_PENDSHARE_REMOVED',
    reach: async (device, context) => {
      await context.subject.hooks?.remove?.()
      await context.until('the state removed', () => device.state === 'removed')
    },
  },
]

export const states = room('states', (law) => {
  for (const state of shareStates)
    for (const operation of shareOperations)
      law(`a share that is ${state.name}: ${operation.name}`, ['peer fill'], async (context) => {
        const device = await context.open()
        const controller = new AbortController()
        const share = await lend(context, device, 64, options(controller.signal))
        const reached = state.reach({ context, device, share, controller })
        // An await would let a share that is ending end.
        const stand = reached instanceof Promise ? await reached : reached
        assert.equal(share.state, state.name)
        await operation.run(stand, state)
        await ends(
          { ...stand },
          share.cancel(),
          share.state === 'ended' ? (await share.ended).reason : 'cancelled',
        )
      })

  for (const operation of shareOperations.filter(({ name }) => whileSharing.includes(name)))
    law(`a share that is sharing: ${operation.name}`, ['peer fill'], async (context) => {
      const device = await context.open()
      const controller = new AbortController()
      const bytes = 1024 * device.info.pageSize
      const attempt = device.share({ bytes, peer: 'fill', signal: controller.signal })
      const settled = attempt.then(
        () => 'accepted',
        (error: unknown) => error,
      )
      const [share] = device.shares()
      // A backend may accept within the call, or answer only after it has closed.
      assert.ok(share && ['sharing', 'pended'].includes(share.state))
      await operation.run(
        { context, device, share, controller, attempt },
        { name: 'sharing', live: true, reach: (stand) => stand },
      )
      await context.within('share()', settled)
      await context.within('cancel()', share.cancel())
      assert.equal(share.region.lent, false)
    })

  for (const state of deviceStates) {
    const reached = async (context: Context) => {
      const device = await context.open()
      const share = await lend(context, device, 1)
      const reaching = Promise.resolve(state.reach(device, context))
      if (state.name !== 'closing') await context.within(`getting ${state.name}`, reaching)
      assert.equal(device.state, state.name)
      return { device, share }
    }

    law(`a device that is ${state.name}: share()`, state.needs, async (context) => {
      const { device } = await reached(context)
      const share = () => device.share({ bytes: device.info.pageSize })
      if (state.code !== undefined) await rejects(context, 'share()', state.code, share)
      else assert.equal((await context.within('share()', share())).state, 'pended')
    })

    law(`a device that is ${state.name}: shares() and stats()`, state.needs, async (context) => {
      const { device, share } = await reached(context)
      if (state.code === undefined) assert.deepEqual(device.shares(), [share])
      else await context.within('the end', share.ended)
      if (state.code !== undefined) assert.deepEqual(device.shares(), [])
      if (state.name === 'closed')
        await rejects(context, 'stats()', 'ERR_PENDSHARE_CLOSED', () => device.stats())
      else if (state.name !== 'closing') assert.equal(device.stats().shares, state.code === undefined ? 1 : 0)
    })

    law(`a device that is ${state.name}: info, supports and choice`, state.needs, async (context) => {
      const { device } = await reached(context)
      assert.equal(device.info.abi, 1)
      assert.deepEqual(device.supports, context.subject.supports)
      assert.equal(typeof device.choice.backend, 'string')
    })

    law(`a device that is ${state.name}: close() and disposal`, state.needs, async (context) => {
      const { device, share } = await reached(context)
      await context.within(
        'close()',
        Promise.all([device.close(), device[Symbol.asyncDispose](), device.close()]),
      )
      assert.equal(device.state, 'closed')
      assert.equal(share.state, 'ended')
    })

    law(`a device that is ${state.name}: operations on its share`, state.needs, async (context) => {
      const { share } = await reached(context)
      const ends = await context.within(
        'the ends',
        Promise.all([share.cancel(), share.release(), share.ended]),
      )
      for (const end of ends) assert.equal(end, ends[0])
      await rejects(context, 'notify()', 'ERR_PENDSHARE_ENDED', () => share.notify())
    })
  }
})
