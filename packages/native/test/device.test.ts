/** The device over a port that the test plays: what comes in which order, and on which way. */
import { type BackendEvent, Region, type ShareRequest } from '@pendshare/core'
import { afterEach, expect, it, vi } from 'vitest'
import type { Abi, Addon, NativeDevice, NativeInfo } from '../src/addon.ts'
import { NativeBackendDevice } from '../src/device.ts'
import { Errors } from '../src/errors.ts'

const PAGE = 4096
const PENDING = 0x103
const REFUSED = 0
const LATE_END = 98
const BARRIER = 99
const RELEASED = 1
const RECALLED = 8
const FIELDS = 5

const abi: Abi = {
  PENDSHARE_ABI_VERSION: 1,
  PENDSHARE_ACCESS_READ: 1,
  PENDSHARE_ACCESS_WRITE: 2,
  PENDSHARE_EVENT_DOORBELL: 1,
  PENDSHARE_EVENT_END: 2,
  PENDSHARE_EVENT_RECALL: 3,
  PENDSHARE_EVENT_REMOVED: 4,
  PENDSHARE_EVENT_ACCEPTED: 5,
  PENDSHARE_RELEASED: RELEASED,
  PENDSHARE_CANCELLED: 2,
  PENDSHARE_CLOSED: 3,
  PENDSHARE_OWNER_EXITED: 4,
  PENDSHARE_DEVICE_REMOVED: 5,
  PENDSHARE_PEER_ENDED: 6,
  PENDSHARE_DEADLINE: 7,
  PENDSHARE_RECALLED: RECALLED,
  PENDSHARE_FAILED: 9,
  PENDSHARE_FAILURE_RING: 1,
  PENDSHARE_FAILURE_PEER: 2,
  PENDSHARE_FAILURE_FRAMES: 3,
}
const ENODEV = 19

type Slots = readonly [id: number, kind: number, reason?: number, value?: number, failure?: number]

/** A device whose port answers `answer` to every share in the call, by a clock that stands still otherwise. */
function play({ answer = 0, takesMs = 0.1 } = {}) {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  const told: BackendEvent[] = []
  const pool: ((status: number, pinMs?: number) => void)[] = []
  const calls: string[] = []
  /** Whether it was the first time, of each share on the pool. */
  const pooled: boolean[] = []
  let slots: Float64Array = new Float64Array(0)
  let wake: (count: number, over: boolean) => void = () => {}
  /** As the waiter: one batch. */
  const tell = (events: readonly Slots[], over = false) => {
    events.forEach((event, at) => {
      slots.set([0, 0, 0, 0, 0], at * FIELDS)
      slots.set(event as readonly number[], at * FIELDS)
    })
    wake(events.length, over)
  }
  const native: NativeDevice = {
    info: () => info,
    start: (array: Float64Array, callback: typeof wake) => {
      slots = array
      wake = callback
      return true
    },
    share: () => {
      now += takesMs
      return answer
    },
    shareOnPool: (...request) => {
      pooled.push(request[0])
      return new Promise((resolve) => pool.push((status, pinMs = 5) => resolve([status, pinMs])))
    },
    release: (id: number, wait: boolean) => {
      calls.push(`release ${id} ${wait}`)
      if (wait) slots.set(answer === PENDING ? [0, 0] : [id, 2, RELEASED, 7, 0])
      return 0
    },
    cancel: () => 0,
    notify: () => ENODEV,
    hold: () => {},
    shutdown: () => 0,
    revoke: () => 0,
    close: () => {
      calls.push('close')
    },
  }
  const addon: Addon = {
    abi,
    status: { ENODEV, ENOENT: 2 },
    pending: PENDING,
    refusedKind: REFUSED,
    lateEndKind: LATE_END,
    barrierKind: BARRIER,
    eventFields: FIELDS,
    batch: 16,
    canPoll: true,
    openDevice: () => native,
    addressOf: () => 4096n,
    lockableBytes: () => Number.POSITIVE_INFINITY,
  }
  const table = {
    row: (name: string) => name,
    nameOf: String,
    elevate: '',
    event: '',
    memory: '',
    memlock: () => '',
  }
  const info: NativeInfo = {
    abi: 1,
    version: 0x000102,
    pageSize: PAGE,
    maxBytes: 1e9,
    maxShares: 9,
    minPeriodNs: 1,
    shares: 0,
    pinnedPages: 0,
    totalPinnedPages: 0,
    peers: [],
  }
  const supports = {
    memlock: true,
    deadline: true,
    removal: true,
    ownerExit: true,
    event: true,
    liveMemory: true,
  }
  const origin = { kind: 'built', path: 'played' } as const
  const parts = { addon, origin, native, info, errors: new Errors(addon, table), supports }
  const device = NativeBackendDevice.start(parts, (events) => told.push(...events))
  if (device === undefined) throw new Error('it starts')
  return { device, told, pool, pooled, calls, tell }
}

function request(id: number, bytes = PAGE): ShareRequest {
  return {
    id,
    memory: Region.allocate(bytes).memory,
    access: 'readwrite',
    peer: '',
    peerOptions: new Uint8Array(0),
    frames: undefined,
    reply: undefined,
    event: undefined,
    label: `share ${id}`,
    deadlineMs: undefined,
  }
}

const LARGE = 2 << 20

afterEach(() => vi.restoreAllMocks())

it('accepts in the call where the port answers, and refuses with what it says', () => {
  expect(play().device.share(request(1))).toBeUndefined()
  const { device } = play({ answer: 2 })
  expect(() => device.share(request(1))).toThrow(
    expect.objectContaining({ code: 'ERR_PENDSHARE_UNKNOWN_PEER' }),
  )
})

it('waits for news of a share that is under way', async () => {
  const { device, tell, told } = play({ answer: PENDING })
  const accepted = device.share(request(1))
  const refused = device.share(request(2))
  tell([
    [1, 5],
    [2, REFUSED, ENODEV],
  ])
  await accepted
  await expect(refused).rejects.toMatchObject({ code: 'ERR_PENDSHARE_REMOVED' })
  expect(told).toEqual([])
})

it('takes an end for the news that there was a share', async () => {
  const { device, tell, told } = play({ answer: PENDING })
  const shared = device.share(request(1))
  tell([[1, 2, RELEASED, 5]])
  await shared
  expect(told).toEqual([{ id: 1, kind: 'end', reason: 'released', bytes: 5 }])
})

it('lets an end come before the answer of the pool, and nothing after it', async () => {
  const { device, tell, told, pool } = play()
  const shared = device.share(request(1, LARGE))
  tell([
    [1, 2, RELEASED, 5],
    [1, 1, 0, 3],
  ])
  pool[0]?.(0)
  await shared
  expect(told.map(({ kind }) => kind)).toEqual(['end'])
})

it('says of large memory whether it is lent for the first time', async () => {
  const { device, tell, pool, pooled } = play()
  const [first, second] = [request(1, LARGE), request(2, LARGE)]
  for (const [at, each] of [first, second, { ...first, id: 3 }, { ...second, id: 4 }].entries()) {
    const shared = device.share(each)
    pool[at]?.(0)
    await shared
    tell([[each.id, 2, RELEASED, 0]])
  }
  expect(pooled).toEqual([true, true, false, false])
})

it('pins large memory in the call, and waits for its end there, once that has proved quick', async () => {
  const { device, tell, pool, pooled, calls } = play()
  const shared = device.share(request(1, LARGE))
  const { memory } = request(1, LARGE)
  await expect(Promise.race([shared, 'not yet'])).resolves.toBe('not yet')
  const again = device.share({ ...request(2, LARGE), memory })
  pool[0]?.(0)
  pool[1]?.(0, 0.5)
  await Promise.all([shared, again])
  device.end(1, 'release')
  device.end(2, 'release')
  tell([[1, 2, RELEASED, 0]])
  expect(device.share({ ...request(3, LARGE), memory })).toBeUndefined()
  device.end(3, 'release')
  expect(calls).toEqual(['release 1 false', 'release 2 true', 'release 3 true'])
  expect(pooled).toEqual([true, true])
})

it('goes back to the pool with memory that was not quick any more, and has no hopes of what was refused', async () => {
  const { device, pool, pooled } = play({ takesMs: 2 })
  const { memory } = request(1, LARGE)
  const refused = device.share({ ...request(1, LARGE), memory })
  pool[0]?.(ENODEV, 0)
  await expect(refused).rejects.toMatchObject({ code: 'ERR_PENDSHARE_REMOVED' })
  const shared = device.share({ ...request(2, LARGE), memory })
  pool[1]?.(0, 0.5)
  await shared
  device.end(2, 'release')
  await Promise.resolve()
  expect(device.share({ ...request(3, LARGE), memory })).toBeUndefined()
  device.end(3, 'release')
  await Promise.resolve()
  device.share({ ...request(4, LARGE), memory })
  expect(pooled).toEqual([true, true, false])
})

it('rejects what the pool was refused, whether it says so or an event', async () => {
  const { device, tell, pool } = play({ answer: PENDING })
  const byAnswer = device.share(request(1, LARGE))
  const byEvent = device.share(request(2, LARGE))
  tell([[2, REFUSED, ENODEV]])
  pool[0]?.(ENODEV)
  pool[1]?.(PENDING)
  for (const refused of [byAnswer, byEvent])
    await expect(refused).rejects.toMatchObject({ code: 'ERR_PENDSHARE_REMOVED' })
})

it('tells an end that came too early behind what the driver told before it, and in its turn', () => {
  const { device, tell, told } = play({ answer: PENDING })
  device.share(request(1, LARGE))
  device.share(request(2))
  tell([
    [1, LATE_END, RELEASED, 5],
    [2, LATE_END, RELEASED, 6],
  ])
  expect(told).toEqual([])
  tell([
    [1, 1, 0, 3],
    [0, BARRIER],
    [2, 1, 0, 4],
    [0, BARRIER],
  ])
  expect(told.map(({ id, kind }) => `${kind} ${id}`)).toEqual(['doorbell 1', 'end 1', 'doorbell 2', 'end 2'])
})

it('waits for no barrier when PEND is over', () => {
  const { device, tell, told } = play({ answer: PENDING })
  device.share(request(1))
  device.share(request(2))
  tell([[1, 2, RELEASED, 5]])
  tell([[2, LATE_END, RELEASED, 6]])
  expect(told).toHaveLength(1)
  tell([], true)
  expect(told).toHaveLength(2)
})

it('tells of a recall before the end that it led to, once', () => {
  const { device, tell, told } = play()
  device.share(request(1))
  device.share(request(2))
  tell([
    [1, 3, 0, 40],
    [1, 2, RECALLED],
    [2, 2, RECALLED],
  ])
  expect(told).toMatchObject([
    { id: 1, kind: 'recall', graceMs: 40 },
    { id: 1, kind: 'end' },
    { id: 2, kind: 'recall', graceMs: 0 },
    { id: 2, kind: 'end' },
  ])
})

it('tells the end that release brought in the next microtask, and waits for no other', async () => {
  const { device, told, tell, calls } = play()
  device.share(request(1))
  expect(device.end(1, 'release')).toBe(true)
  expect(told).toEqual([])
  await Promise.resolve()
  expect(told).toEqual([{ id: 1, kind: 'end', reason: 'released', bytes: 7 }])
  tell([[1, 1, 0, 3]])
  expect(told).toHaveLength(1)
  expect(device.end(1, 'release')).toBe(false)
  expect(calls).toEqual(['release 1 true'])
})

it('does not wait where ending takes long, nor takes an empty slot for an end', async () => {
  const large = play()
  large.device.share(request(1, LARGE))
  large.device.end(1, 'release')
  expect(large.calls).toEqual(['release 1 false'])
  const { device, told, tell } = play({ answer: PENDING })
  device.share(request(1))
  device.end(1, 'release')
  await Promise.resolve()
  expect(told).toEqual([])
  tell([[1, 2, RELEASED, 5]])
  expect(told).toHaveLength(1)
})

it('closes when PEND is over, the pool has answered, and every share is settled', async () => {
  const { device, tell, pool, calls } = play({ answer: PENDING })
  const large = device.share(request(1, LARGE))
  const small = device.share(request(2))
  const closed = device.close().then(() => calls.push('closed'))
  tell([], true)
  await new Promise(setImmediate)
  pool[0]?.(ENODEV)
  await expect(large).rejects.toMatchObject({ code: 'ERR_PENDSHARE_REMOVED' })
  await new Promise(setImmediate)
  expect(calls).toEqual([])
  tell([[2, REFUSED, ENODEV]])
  await expect(small).rejects.toMatchObject({ code: 'ERR_PENDSHARE_REMOVED' })
  await closed
  expect(calls).toEqual(['close', 'closed'])
})

it('closes only when every end has come, also one that PEND has overtaken', async () => {
  const { device, tell, told, calls } = play({ answer: PENDING })
  const shared = device.share(request(1))
  tell([[1, 5]])
  await shared
  const closed = device.close().then(() => calls.push('closed'))
  tell([], true)
  await new Promise(setImmediate)
  expect(calls).toEqual([])
  tell([[1, 2, 3, 5]])
  await closed
  expect(told).toEqual([{ id: 1, kind: 'end', reason: 'closed', bytes: 5 }])
})

it('does not mind that a share has ended when it is notified', () => {
  const { device } = play()
  device.share(request(1))
  expect(() => device.notify(1)).not.toThrow()
})
