/** Every operation on a share in every state of it: each pair has one answer. */
import assert from 'node:assert/strict'
import type { Device, End, Share, ShareOptions } from '@pendshare/core'
import type { Context } from '../context.ts'
import { room } from '../law.ts'
import { lend, rejects } from './steps.ts'

/** A share in one state, and what has been decided of its end. */
interface Stand {
  readonly context: Context
  readonly device: Device
  readonly share: Share
  readonly controller: AbortController
  /** The reason that is decided already. */
  readonly decided?: End['reason']
}

interface State {
  readonly name: 'sharing' | 'pended' | 'ending' | 'ended'
  /** A share with this state can still be used. */
  readonly live: boolean
  /** Brings a pended share into the state: in this tick, unless it gives a promise. */
  reach(stand: Stand): Stand | Promise<Stand>
}

const options = (signal: AbortSignal): ShareOptions => ({ peer: 'fill', signal })

const reachable: readonly State[] = [
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

interface Operation {
  readonly name: string
  readonly run: (stand: Stand, state: Pick<State, 'name' | 'live'>) => Promise<void>
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

const operations: readonly Operation[] = [
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

export const shareStates = room('states', (law) => {
  for (const state of reachable)
    for (const operation of operations)
      law(`a share that is ${state.name}: ${operation.name}`, ['peer fill'], async (context) => {
        const device = await context.open()
        const controller = new AbortController()
        const share = await lend(context, device, 64, options(controller.signal))
        const reached = state.reach({ context, device, share, controller })
        // An await would let a share that is ending end.
        const stand = reached instanceof Promise ? await reached : reached
        assert.equal(share.state, state.name)
        await operation.run(stand, state)
        const end = await context.within('cancel()', share.cancel())
        assert.equal(end, await share.ended)
      })

  for (const operation of operations.filter(({ name }) => whileSharing.includes(name)))
    law(`a share that is sharing: ${operation.name}`, ['peer fill'], async (context) => {
      const device = await context.open()
      const controller = new AbortController()
      const bytes = 1024 * device.info.pageSize
      const attempt = device.share({ bytes, peer: 'fill', signal: controller.signal })
      const [share] = device.shares()
      // A backend may accept within the call.
      assert.ok(share && ['sharing', 'pended'].includes(share.state))
      await operation.run({ context, device, share, controller }, { name: 'sharing', live: true })
      assert.equal(await context.within('share()', attempt), share)
      await context.within('cancel()', share.cancel())
      assert.equal(share.region.lent, false)
    })
})
