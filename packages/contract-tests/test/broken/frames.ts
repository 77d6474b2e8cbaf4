/** Backends that are wrong about frames: who has a slot, what its frame says, what is counted. */
import type { BackendEvent, ShareRequest } from '@pendshare/core'
import {
  ENTRY_WORDS,
  type FramesLayout,
  MISSED,
  OVERRUNS,
  readLayout,
  TAKEN,
  TO_USER,
} from '@pendshare/core/frames/layout'
import { type Broken, bent, later, withRequests } from './bend.ts'

/** Has its hands in the frames of a capture whenever the program is about to be rung. */
function meddling(change: (frames: FramesLayout) => void) {
  return withRequests((requests, { sink }) => ({
    sink: (batch) => {
      for (const { id, kind } of batch) {
        const request = requests.get(id)
        if (kind === 'end') requests.delete(id)
        if (kind === 'doorbell' && request?.peer === 'capture') change(readLayout(request.memory))
      }
      sink(batch)
    },
  }))
}

/** Does something to the memory of a share with frames at its end, before or after it is told. */
function atEnd(when: 'before' | 'after', change: (request: ShareRequest) => void) {
  return withRequests((requests, { sink }) => ({
    sink: (batch) => {
      const ended = batch.flatMap(({ id, kind }) => {
        const request = requests.get(id)
        return kind === 'end' && request?.frames ? [request] : []
      })
      if (when === 'before') ended.forEach(change)
      sink(batch)
      if (when === 'after') later(() => ended.forEach(change))
    },
  }))
}

/** Where the word of an entry lies that the program has not taken yet, or took last (-1). */
function word({ header, toUser }: FramesLayout, entry: number, at: number): number {
  return ((((header[TAKEN] as number) + entry) * ENTRY_WORDS) % toUser.length) + at
}

const waits = ({ header }: FramesLayout) => header[TO_USER] !== header[TAKEN]

export const frames: readonly Broken[] = [
  {
    fault: 'gives a slot that the program holds',
    law: 'frames',
    says: /which does not have it/,
    backend: meddling((frames) => {
      if (!waits(frames) || (frames.header[TAKEN] as number) === 0) return
      frames.toUser[word(frames, 0, 0)] = frames.toUser[word(frames, -1, 0)] as number
    }),
  },
  {
    fault: 'skips a number of a frame without counting it',
    law: 'frames',
    says: /missing, doubled or out of order|are absent/,
    backend: meddling((frames) => {
      if (waits(frames)) (frames.toUser[word(frames, 0, 2)] as number)++
    }),
  },
  {
    fault: 'does not count what found no slot',
    law: 'frames',
    says: /frames came, .* were overrun/,
    backend: atEnd('before', ({ memory }) => {
      const { header } = readLayout(memory)
      header[OVERRUNS] = 0
      header[MISSED] = 0
    }),
  },
  {
    fault: 'damages a frame',
    law: 'frames',
    says: /is not whole/,
    backend: meddling((frames) => {
      const slot = frames.slots[frames.toUser[word(frames, 0, 0)] as number]
      if (waits(frames) && slot) slot[9] = ~(slot[9] as number)
    }),
  },
  {
    fault: 'gives a frame before it is filled to its end',
    law: 'frames',
    says: /is not whole/,
    backend: meddling((frames) => {
      const at = word(frames, 0, 1)
      if (waits(frames)) frames.toUser[at] = (frames.toUser[at] as number) / 2
    }),
  },
  {
    fault: 'fills a slot after the end',
    law: 'frames',
    says: /touched/,
    backend: atEnd('after', ({ memory }) => void memory.fill(0x42, memory.length - 64)),
  },
  {
    fault: 'rings nobody when a frame comes',
    law: 'frames',
    says: /hung/,
    backend: withRequests((requests, { sink }) => ({
      sink: (batch) => {
        const kept = batch.filter(({ id, kind }) => kind !== 'doorbell' || !requests.get(id)?.frames)
        if (kept.length > 0) sink(kept)
      },
    })),
  },
  {
    fault: 'writes behind the slots',
    law: 'frames',
    says: /behind the slots was touched/,
    backend: atEnd('before', ({ memory }) => {
      memory[memory.length - 1] = 0
    }),
  },
  {
    fault: 'takes no notice of nonsense that a program writes',
    law: 'frames',
    says: /not as failed/,
    backend: withRequests((_requests, { sink }) => ({
      sink: (batch) =>
        sink(
          batch.map((event): BackendEvent => {
            if (event.kind !== 'end' || event.error?.code !== 'ERR_PENDSHARE_FRAMES_CORRUPT') return event
            return { id: event.id, kind: 'end', reason: 'peer-ended', bytes: event.bytes }
          }),
        ),
    })),
  },
  {
    fault: 'takes frames for a peer that speaks none',
    law: 'refusals',
    says: /Missing expected rejection/,
    backend: bent(({ device }) => ({
      device: {
        share: (request) => (request.peer === 'fill' && request.frames ? undefined : device().share(request)),
      },
    })),
  },
]
