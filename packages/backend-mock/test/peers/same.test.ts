/** The mock's `capture` and `loopback` leave the same bytes as those of the drivers, where there is a compiler. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { framesLength, type ShareRequest } from '@pendshare/core'
import { expect, test } from 'vitest'
import type { Attachment, MockPeer, PeerShare } from '../../src/index.ts'
import { capture } from '../../src/peers/capture.ts'
import { KernelFrames } from '../../src/peers/frames.ts'
import { loopback } from '../../src/peers/loopback.ts'
import { options } from '../harness.ts'
import { Owner } from './owner.ts'

const PAGE = 4096
const EMPTY = 1
const run = promisify(execFile)

/** A peer on a share of its own, whose steps the test makes. */
function begin(peer: MockPeer, peerOptions: ShareRequest['peerOptions'], count: number) {
  const memory = new Uint8Array(new SharedArrayBuffer(framesLength(count, PAGE, PAGE)))
  let reached = 0
  const share: PeerShare = {
    id: 1,
    label: '',
    access: 'readwrite',
    ending: false,
    options: peerOptions,
    reply: () => {},
    memory,
    length: memory.length,
    frames: ({ playback }) => new KernelFrames(share, { count, bytes: PAGE, pageSize: PAGE, playback }),
    written(bytes) {
      reached = Math.max(reached, bytes)
    },
    ring: () => {},
    wake: () => {},
    every: () => {},
    after: () => {},
    hold: () => undefined,
    end: () => {},
    fail: () => {},
    recall: () => {},
  }
  const attachment: Attachment = peer.attach(share)
  const end = () => Buffer.concat([memory, options(reached)])
  return {
    owner: new Owner(memory),
    step: (ms: number, ticks: number) => attachment.step?.(ms * 1e6, ticks),
    end,
  }
}

function captured(): Buffer {
  const { owner, step, end } = begin(capture, options(1e6, 1000, 0, 514), 3)
  for (let tick = 1; tick <= 5; tick++) step(tick, 1)
  owner.read(2)
  for (const slot of [1, 0]) owner.give(slot, 0, EMPTY)
  step(6, 1)
  step(10, 4)
  step(11, 1)
  return end()
}

function looped(): Buffer {
  const { owner, step, end } = begin(loopback, options(), 4)
  owner.read(4)
  for (const slot of [0, 1, 2]) {
    owner.slots[slot]?.fill(slot * 3, 0, 11 + slot)
    if (slot === 1) owner.give(slot, 0, EMPTY)
    else owner.give(slot, 11 + slot, 0xabcd_0002, 99n)
  }
  step(7, 0)
  return end()
}

const compiler = spawnSync('cc', ['--version']).status === 0

test.skipIf(!compiler)('byte for byte', { timeout: 60_000 }, async () => {
  const room = await mkdtemp(join(tmpdir(), 'pendshare-same-'))
  try {
    const peers = join(import.meta.dirname, '../../../../drivers/common/peers')
    const program = join(room, 'same')
    const sources = [join(import.meta.dirname, 'same.c'), `${peers}/capture.c`, `${peers}/loopback.c`]
    await run('cc', ['-o', program, ...sources])
    const { stdout } = await run(program, { encoding: 'buffer' })
    const mine = Buffer.concat([captured(), looped()])
    expect(mine.length).toBe(stdout.length)
    expect(mine.findIndex((byte, at) => byte !== stdout[at])).toBe(-1)
  } finally {
    await rm(room, { recursive: true, force: true })
  }
})
