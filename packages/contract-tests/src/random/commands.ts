/** The commands that random sequences are made of: each acts on device and model, and checks that they agree. */
import assert from 'node:assert/strict'
import type { End, EndReason, ShareOptions } from '@pendshare/core'
import fc from 'fast-check'
import { busyFill, rejects, SENTINEL } from '../laws/steps.ts'
import type { Subject } from '../subject.ts'
import { check, type Lease, type Model, mayEnd, memory, pick, type Real, SLOTS, type Use } from './model.ts'

type Run = (model: Model, real: Real) => Promise<void>

class Command implements fc.AsyncCommand<Model, Real> {
  readonly #name: string
  readonly #run: Run
  readonly #applies: (model: Model) => boolean

  constructor(name: string, run: Run, applies: (model: Model) => boolean = () => true) {
    this.#name = name
    this.#run = run
    this.#applies = applies
  }

  check(model: Readonly<Model>): boolean {
    return this.#applies(model)
  }

  async run(model: Model, real: Real): Promise<void> {
    await this.#run(model, real)
    await check(model, real)
  }

  toString(): string {
    return this.#name
  }
}

const some = (model: Model) => model.leases.length > 0
const closed = ({ device }: Model) => device === 'closing' || device === 'closed'

const USES: readonly Use[] = ['none', 'notified', 'busy', 'brief']

function optionsOf(real: Real, use: Use): ShareOptions {
  switch (use) {
    case 'none':
      return {}
    case 'notified':
      return { peer: 'fill' }
    case 'busy':
      return busyFill(real.device, 0, 1_000_000)
    case 'brief':
      return busyFill(real.device, 3)
  }
}

const lend = (slot: number, use: Use, deadlineMs: number | undefined) =>
  new Command(
    `lend(${slot}, ${use}${deadlineMs === undefined ? '' : `, ${deadlineMs} ms`})`,
    async (model, real) => {
      const region = real.regions[slot]
      assert.ok(region)
      const controller = new AbortController()
      const deadline = deadlineMs === undefined ? {} : { deadlineMs }
      const options = { ...optionsOf(real, use), ...deadline, signal: controller.signal }
      const share = () => real.device.share(region, options)
      if (closed(model)) return void (await rejects(real.context, 'share()', 'ERR_PENDSHARE_CLOSED', share))
      if (model.device === 'removed')
        return void (await rejects(real.context, 'share()', 'ERR_PENDSHARE_REMOVED', share))
      if (region.lent) {
        const holder = real.shares.findLast((each) => each.region === region)
        assert.ok(holder && holder.state !== 'ended', 'a region without a live share is lent')
        return void (await rejects(real.context, 'share()', 'ERR_PENDSHARE_REGION_IN_USE', share))
      }
      model.sealed.delete(slot)
      const lease: Lease = { slot, use, possible: new Set() }
      if (use === 'brief') lease.possible.add('peer-ended')
      if (deadlineMs !== undefined) lease.possible.add('deadline')
      real.shares.push(await real.context.within('share()', share()))
      real.controllers.push(controller)
      model.leases.push(lease)
    },
  )

/** A share that the driver refuses, which leaves the memory as it was. */
const lendInVain = (slot: number) =>
  new Command(
    `lendInVain(${slot})`,
    async (_model, { context, device, regions }) => {
      const region = regions[slot]
      if (region === undefined || region.lent) return
      const share = () => device.share(region, { peer: 'no-such-peer' })
      await rejects(context, 'share() in vain', 'ERR_PENDSHARE_UNKNOWN_PEER', share)
      assert.equal(region.lent, false)
    },
    ({ device }) => device === 'open',
  )

/** A call of the program's that ends a share: it wins unless something that nobody called may have come first. */
const finishing = (
  name: string,
  index: number,
  reason: EndReason,
  call: (real: Real, at: number) => Promise<End> | undefined,
) =>
  new Command(
    `${name}(${index})`,
    async (model, real) => {
      const picked = pick(model, real, index)
      if (picked === undefined) return
      const { lease, share, at } = picked
      if (share.state === 'pended') lease.possible.add(reason)
      const end = call(real, at)
      if (end !== undefined) real.answers.push({ share, end })
    },
    some,
  )

const release = (index: number) =>
  finishing('release', index, 'released', ({ shares }, at) => shares[at]?.release())
const cancel = (index: number) =>
  finishing('cancel', index, 'cancelled', ({ shares }, at) => shares[at]?.cancel())
const abort = (index: number) =>
  finishing('abort', index, 'cancelled', ({ controllers }, at) => {
    controllers[at]?.abort()
    return undefined
  })

/** Waits for an end that is sure to come, then seals the memory. */
const awaitEnd = (index: number) =>
  new Command(
    `awaitEnd(${index})`,
    async (model, real) => {
      const picked = pick(model, real, index)
      if (picked === undefined || picked.lease.possible.size === 0) return
      const { lease, share } = picked
      await real.context.within('an end', share.ended)
      if (share.region.lent) return
      memory(real, lease.slot).fill(SENTINEL)
      model.sealed.add(lease.slot)
    },
    some,
  )

const notify = (index: number) =>
  new Command(
    `notify(${index})`,
    async (model, real) => {
      const picked = pick(model, real, index)
      if (picked === undefined) return
      const { lease, share } = picked
      if (share.state !== 'pended')
        return void (await rejects(real.context, 'notify()', 'ERR_PENDSHARE_ENDED', () => share.notify()))
      if (lease.use !== 'none') share.notify()
      // A share that something may be ending in this moment may say nothing.
      else if (lease.possible.size === 0)
        await rejects(real.context, 'notify()', 'ERR_PENDSHARE_NOT_NOTIFIABLE', () => share.notify())
    },
    some,
  )

const awaitRing = (index: number) =>
  new Command(
    `awaitRing(${index})`,
    async (model, real) => {
      const picked = pick(model, real, index)
      if (picked === undefined || picked.share.state !== 'pended') return
      const { lease, share } = picked
      if (lease.use === 'none' || lease.possible.size > 0) return
      const before = share.doorbell.total
      if (lease.use === 'notified') share.notify()
      while (share.doorbell.total === before) await real.context.within('a ring', share.doorbell.wait())
    },
    some,
  )

const turn = () => new Command('turn()', () => new Promise((resolve) => setImmediate(resolve)))

const beginClose = () =>
  new Command('beginClose()', async (model, real) => {
    mayEnd(model, real, 'closed')
    if (model.device !== 'closed') model.device = 'closing'
    void real.device.close()
  })

const close = () =>
  new Command('close()', async (model, real) => {
    mayEnd(model, real, 'closed')
    await real.context.within('close()', real.device.close())
    model.device = 'closed'
    for (const { state } of real.shares) assert.equal(state, 'ended', 'a share outlived the device')
  })

/** A device in the place of one that is closed or removed. */
const reopen = () =>
  new Command(
    'reopen()',
    async (model, real) => {
      mayEnd(model, real, 'closed')
      await real.context.within('close()', real.device.close())
      real.device = await real.context.open()
      model.device = 'open'
    },
    ({ device }) => device !== 'open',
  )

const remove = () =>
  new Command('remove()', async (model, real) => {
    mayEnd(model, real, 'device-removed')
    await real.context.subject.hooks?.remove?.()
    if (model.device !== 'open') return
    await real.context.until('the state removed', () => real.device.state === 'removed')
    model.device = 'removed'
  })

const recall = () =>
  new Command('recall(1)', async (model, real) => {
    mayEnd(model, real, 'recalled')
    await real.context.subject.hooks?.recall?.(1)
  })

/** Arbitraries of all commands that the subject can show. */
export function commandsOf(subject: Subject): fc.Arbitrary<fc.AsyncCommand<Model, Real>>[] {
  const slot = fc.nat(SLOTS - 1)
  const index = fc.nat(20)
  const deadline = subject.supports.deadline
    ? fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined, freq: 5 })
    : fc.constant(undefined)
  const lending = fc.tuple(slot, fc.constantFrom(...USES), deadline).map((given) => lend(...given))
  const onShares = [release, cancel, abort, awaitEnd, awaitEnd, notify, awaitRing].map((command) =>
    index.map(command),
  )
  // A device that is soon closed or removed sees little: most commands are for shares.
  return [
    ...Array.from({ length: 6 }, () => lending),
    ...onShares,
    ...onShares,
    slot.map(lendInVain),
    fc.constant(turn()),
    fc.constantFrom(beginClose(), close()),
    fc.constant(reopen()),
    ...(subject.hooks?.remove ? [fc.constant(remove())] : []),
    ...(subject.hooks?.recall ? [fc.constant(recall())] : []),
  ]
}
