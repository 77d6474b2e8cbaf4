/** Backends that are wrong about events: their order, their time, their number. */
import type { ShareId } from '@pendshare/core'
import { type Broken, bent, events, later, withRequests } from './bend.ts'

export const rings: readonly Broken[] = [
  {
    fault: 'delivers an event inside a call',
    law: 'events',
    says: /inside a call/,
    backend: bent(({ device, sink }) => ({
      device: {
        notify(id) {
          device().notify(id)
          sink([{ id, kind: 'doorbell', count: 1 }])
        },
      },
    })),
  },
  {
    fault: 'rings after the end',
    law: 'events',
    says: /doorbell after the end/,
    backend: events((event) =>
      event.kind === 'end' ? [event, { id: event.id, kind: 'doorbell', count: 1 }] : [event],
    ),
  },
  {
    fault: 'delivers rings too late',
    law: 'events',
    says: /after the end of share/,
    backend: bent(({ sink }) => ({
      sink: (batch) => {
        const rings = batch.filter(({ kind }) => kind === 'doorbell')
        const rest = batch.filter(({ kind }) => kind !== 'doorbell')
        if (rest.length > 0) sink(rest)
        if (rings.length > 0) later(() => sink(rings))
      },
    })),
  },
  {
    fault: 'delivers empty batches',
    law: 'events',
    says: /without events/,
    backend: bent(({ sink }) => ({
      sink: (batch) => {
        sink(batch)
        sink([])
      },
    })),
  },
  {
    fault: 'loses every second doorbell',
    law: 'doorbell',
    says: /rings|hung/,
    backend: bent(({ sink }) => {
      let count = 0
      return {
        sink: (batch) => {
          const kept = batch.filter(({ kind }) => kind !== 'doorbell' || count++ % 2 === 0)
          if (kept.length > 0) sink(kept)
        },
      }
    }),
  },
  {
    fault: 'lets rings coalesce without counting them',
    law: 'doorbell',
    says: /rings/,
    backend: bent(({ sink }) => {
      const rung = new Set<ShareId>()
      const tell = (id: ShareId) => {
        if (rung.delete(id)) sink([{ id, kind: 'doorbell', count: 1 }])
      }
      return {
        sink: (batch) => {
          for (const event of batch) {
            if (event.kind === 'doorbell') {
              rung.add(event.id)
              setTimeout(tell, 3, event.id)
            } else {
              tell(event.id)
              sink([event])
            }
          }
        },
      }
    }),
  },
  {
    fault: 'counts doorbells by zero',
    law: 'doorbell',
    says: /counted 0 rings/,
    backend: events((event) => (event.kind === 'doorbell' ? [event, { ...event, count: 0 }] : [event])),
  },
  {
    fault: 'loses notifications',
    law: 'doorbell',
    says: /hung/,
    backend: bent(() => ({ device: { notify: () => {} } })),
  },
  {
    fault: 'does not count what a ring had no room for',
    law: 'ring',
    says: /made no record/,
    backend: withRequests((requests, { sink }) => ({
      sink: (batch) => {
        // The clock ended before its reader looked.
        for (const { id, kind } of batch) if (kind === 'end') requests.get(id)?.memory.fill(0, 68, 72)
        sink(batch)
      },
    })),
  },
  {
    fault: 'damages a record of a ring',
    law: 'ring',
    says: /record|byte/,
    backend: withRequests((requests, { sink }) => ({
      sink: (batch) => {
        for (const { id, kind } of batch) {
          const request = requests.get(id)
          // The payload of the second record; the first one of an echo is empty.
          if (kind === 'doorbell' && request?.peer === 'echo') request.memory.fill(0xee, 4096 + 16, 4096 + 20)
          requests.delete(id)
        }
        sink(batch)
      },
    })),
  },
]
