/**
 * Everything that can end a share, at once, in orders that seeds determine: release, cancel, close, the peer, a deadline,
 * a recall, a removal, the owner's death. In each of them every law holds. A failure names its seed, which runs it again.
 */
import assert from 'node:assert/strict'
import type { BackendDevice, BackendEvent, EndReason, ShareRequest } from '@pendshare/core'
import { test } from 'vitest'
import { type MockPeer, mock, type SteppedMock } from '../src/index.ts'
import { seeded } from '../src/scheduler/random.ts'
import { NOTHING, options, request } from './harness.ts'

const SEEDS = 1000
const POISON = 0xee
/** Steps by which an action is put off at most, so that actions fall anywhere in the lives of the shares. */
const DELAY = 60

interface Track {
  readonly request: ShareRequest
  accepted: boolean | undefined
  readonly events: BackendEvent[]
}

interface Play {
  readonly driver: SteppedMock
  readonly device: BackendDevice
  readonly tracks: Track[]
  readonly trace: string[]
  readonly removals: BackendEvent[]
}

const ACTIONS: Record<string, (driver: SteppedMock, device: BackendDevice) => unknown> = {
  'release 1': (_, device) => device.end(1, 'release'),
  'cancel 1': (_, device) => device.end(1, 'cancel'),
  'release 2': (_, device) => device.end(2, 'release'),
  'cancel 3': (_, device) => device.end(3, 'cancel'),
  'release 4': (_, device) => device.end(4, 'release'),
  'notify 1': (_, device) => device.notify(1),
  'notify 2': (_, device) => device.notify(2),
  remove: (driver) => driver.remove(),
  recall: (driver) => driver.recall(1),
  'owner exits': (driver) => driver.ownerExit(),
  'time passes': (driver) => driver.advance(1),
  'more time passes': (driver) => driver.advance(2),
}

/** What shares are asked for; the fourth only pins its memory. */
const WANTED = [
  { peer: 'dma', deadlineMs: 2 },
  { peer: 'fill', peerOptions: options(0, 3), pages: 520 },
  { peer: 'clock', peerOptions: options(500_000, 0, 4), pages: 2 },
  { deadlineMs: 1 },
]

type Soon = (name: string, action: () => unknown) => void

/** Its device writes the memory by itself, also after the detach, and holds it meanwhile; a notification ends the share. */
function dma(soon: Soon): MockPeer {
  return {
    name: 'dma',
    attach(share) {
      share.every(300_000)
      return {
        notify: () => share.end(),
        step() {
          const drop = share.hold()
          if (drop === undefined) return false
          soon('transfer', () => {
            share.memory.fill(1)
            share.written(share.length)
            share.ring()
            drop()
          })
          return false
        },
      }
    },
  }
}

async function play(seed: number): Promise<Play> {
  const random = seeded(seed)
  const soon: Soon = (name, action) => driver.interleave(name, action, random(DELAY))
  const driver: SteppedMock = mock({ schedule: 'stepped', peers: [dma(soon)] })
  const tracks = WANTED.map((wanted, index): Track => {
    return { request: request(index + 1, wanted), accepted: undefined, events: [] }
  })
  const removals: BackendEvent[] = []
  const device = await driver.open({ path: undefined, wakeup: undefined }, (events) => {
    for (const event of events) (tracks[event.id - 1]?.events ?? removals).push(event)
    // From its end on the memory is the program's: whatever writes it then spoils this.
    for (const { id, kind } of events) if (kind === 'end') tracks[id - 1]?.request.memory.fill(POISON)
  })
  const answers = tracks.map((track) => answer(device, track))
  for (const [name, action] of Object.entries(ACTIONS)) {
    if (random(4) === 0) soon(name, () => action(driver, device))
  }
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= device.close()
  }
  if (random(3) === 0) soon('close', close)
  const trace = driver.runSeed(seed)
  driver.interleave('close', close)
  trace.push(...driver.runSeed(seed))
  await Promise.all([...answers, closed])
  driver.advance(100)
  assert.deepEqual(driver.run(), [], 'something is left to run after close()')
  assert.deepEqual(driver.stats, NOTHING)
  return { driver, device, tracks, trace, removals }
}

async function answer(device: BackendDevice, track: Track): Promise<void> {
  try {
    await device.share(track.request)
    track.accepted = true
  } catch {
    track.accepted = false
  }
}

function checkTrack({ request: { id, memory }, accepted, events }: Track, trace: readonly string[]): void {
  if (accepted === false) {
    assert.deepEqual(events, [], 'a refused share has no events')
    return
  }
  assert.equal(events.filter(({ kind }) => kind === 'end').length, 1, 'exactly one end')
  assert.equal(events.at(-1)?.kind, 'end', 'nothing comes after the end')
  assert.ok(Buffer.alloc(memory.length, POISON).equals(memory), 'the memory was written after the end')
  const teardown = ['detach', 'unmap', 'unpin', 'uncharge', 'publish'].map((stage) =>
    trace.lastIndexOf(`${stage} ${id}`),
  )
  assert.ok(!teardown.includes(-1))
  assert.deepEqual(
    teardown,
    teardown.toSorted((one, other) => one - other),
  )
  assert.ok(trace.lastIndexOf(`step ${id}`) < (teardown[0] ?? 0), 'the peer stepped after its detach')
}

function check({ tracks, trace, removals }: Play): void {
  for (const track of tracks) checkTrack(track, trace)
  assert.equal(removals.length, trace.includes('remove') ? 1 : 0)
}

function reasonsOf({ tracks }: Play): (EndReason | 'refused')[] {
  return tracks.map(({ events }) => {
    const end = events.at(-1)
    return end?.kind === 'end' ? end.reason : 'refused'
  })
}

test(`every law holds in ${SEEDS} interleavings, and every reason wins in some`, {
  timeout: Infinity,
}, async () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < SEEDS; seed++) {
    try {
      const played = await play(seed)
      check(played)
      for (const reason of reasonsOf(played)) seen.add(reason)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
  assert.deepEqual([...seen].sort(), [
    'cancelled',
    'closed',
    'deadline',
    'device-removed',
    'owner-exited',
    'peer-ended',
    'recalled',
    'refused',
    'released',
  ])
})

test('a seed plays the same again', async () => {
  const [once, again] = [await play(7), await play(7)]
  assert.deepEqual(again.trace, once.trace)
  assert.deepEqual(reasonsOf(again), reasonsOf(once))
})
