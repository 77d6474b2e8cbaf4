/** Every operation on a device in every state of it: each pair has one answer. */
import assert from 'node:assert/strict'
import type { Device, Share } from '@pendshare/core'
import type { Context } from '../context.ts'
import { room } from '../law.ts'
import type { Need } from '../subject.ts'
import { lend, rejects } from './steps.ts'

interface State {
  readonly name: Device['state']
  readonly needs: readonly Need[]
  /** Code of a share that is asked for now. */
  readonly code?: 'ERR_PENDSHARE_CLOSED' | 'ERR_PENDSHARE_REMOVED'
  /** Brings an open device into the state: in this tick, unless it gives a promise. */
  reach(device: Device, context: Context): void | Promise<void>
}

const states: readonly State[] = [
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

/** A device in one state, with the share that it had when it was open. */
interface Stand {
  readonly context: Context
  readonly device: Device
  readonly share: Share
}

interface Operation {
  readonly name: string
  readonly run: (stand: Stand, state: State) => Promise<void>
}

const operations: readonly Operation[] = [
  {
    name: 'share()',
    run: async ({ context, device }, { code }) => {
      const share = () => device.share({ bytes: device.info.pageSize })
      if (code !== undefined) await rejects(context, 'share()', code, share)
      else assert.equal((await context.within('share()', share())).state, 'pended')
    },
  },
  {
    name: 'shares()',
    run: async ({ context, device, share }, { code }) => {
      if (code !== undefined) await context.within('the end', share.ended)
      assert.deepEqual(device.shares(), code === undefined ? [share] : [])
    },
  },
  {
    name: 'stats()',
    run: async ({ context, device, share }, { name }) => {
      if (name === 'removed') await context.within('the end', share.ended)
      if (name === 'closed') await rejects(context, 'stats()', 'ERR_PENDSHARE_CLOSED', () => device.stats())
      else if (name === 'closing') assert.ok(device.stats().shares <= 1)
      else assert.equal(device.stats().shares, name === 'open' ? 1 : 0)
    },
  },
  {
    name: 'info, supports and choice',
    run: async ({ context, device }) => {
      assert.equal(device.info.abi, 1)
      assert.deepEqual(device.supports, context.subject.supports)
      assert.equal(typeof device.choice.backend, 'string')
    },
  },
  {
    name: 'close() and disposal',
    run: async ({ context, device, share }) => {
      const all = [device.close(), device[Symbol.asyncDispose](), device.close()]
      await context.within('close()', Promise.all(all))
      assert.deepEqual([device.state, share.state], ['closed', 'ended'])
    },
  },
  {
    name: 'operations on its share',
    run: async ({ context, share }, { name }) => {
      // Its shares end one after the other, and may be told of later than the removal.
      if (name === 'removed') await context.within('the end', share.ended)
      if (name !== 'open') await rejects(context, 'notify()', 'ERR_PENDSHARE_ENDED', () => share.notify())
      const ends = await context.within(
        'the ends',
        Promise.all([share.cancel(), share.release(), share.ended]),
      )
      for (const end of ends) assert.equal(end, ends[0])
      const reasons = { open: 'cancelled', closing: 'closed', closed: 'closed', removed: 'device-removed' }
      assert.equal(ends[0].reason, reasons[name])
    },
  },
]

export const deviceStates = room('states', (law) => {
  for (const state of states)
    for (const operation of operations)
      law(`a device that is ${state.name}: ${operation.name}`, state.needs, async (context) => {
        const device = await context.open()
        const share = await lend(context, device, 1)
        const reached = state.reach(device, context)
        // An await would let a device that is closing close.
        if (reached !== undefined) await context.within(`getting ${state.name}`, reached)
        assert.equal(device.state, state.name)
        await operation.run({ context, device, share }, state)
      })
})
