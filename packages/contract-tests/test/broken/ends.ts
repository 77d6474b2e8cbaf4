/** Backends that are wrong about how a share ends. */
import type { BackendEvent } from '@pendshare/core'
import { PendshareError } from '@pendshare/core'
import { type Broken, bent, events, later, withRequests } from './bend.ts'

export const ends: readonly Broken[] = [
  {
    fault: 'delivers each end twice',
    law: 'oneEnd',
    says: /end after the end of share/,
    backend: events((event) => (event.kind === 'end' ? [event, event] : [event])),
  },
  {
    fault: 'never delivers the end',
    law: 'oneEnd',
    says: /hung .*: /,
    backend: events((event) => (event.kind === 'end' ? [] : [event])),
  },
  {
    fault: 'names the loser of a race',
    law: 'oneEnd',
    says: /ended as cancelled, but/,
    backend: events((event) =>
      event.kind === 'end' && event.reason === 'released' ? [{ ...event, reason: 'cancelled' }] : [event],
    ),
  },
  {
    fault: 'calls every end a release',
    law: 'oneEnd',
    says: /ended as released, but/,
    backend: events((event) =>
      event.kind === 'end'
        ? [{ id: event.id, kind: 'end', reason: 'released', bytes: event.bytes }]
        : [event],
    ),
  },
  {
    fault: 'claims to have ended what had ended',
    law: 'oneEnd',
    says: /which had ended|second time/,
    backend: bent(({ device }) => ({
      device: {
        end(id, how) {
          device().end(id, how)
          return true
        },
      },
    })),
  },
  {
    fault: 'counts more bytes than the share has',
    law: 'oneEnd',
    says: /bytes ended with/,
    backend: events((event) => (event.kind === 'end' ? [{ ...event, bytes: 1e9 }] : [event])),
  },
  {
    fault: 'fails without an error',
    law: 'oneEnd',
    says: /failed without an error/,
    backend: events((event) => {
      if (event.kind !== 'end' || event.reason !== 'failed') return [event]
      const { error: _, ...without } = event
      return [without as BackendEvent]
    }),
  },
  {
    fault: 'pays no heed to deadlines',
    law: 'oneEnd',
    says: /hung .*deadline/,
    backend: bent(({ device }) => ({
      device: { share: (request) => device().share({ ...request, deadlineMs: undefined }) },
    })),
  },
  {
    fault: 'keeps the removal to itself',
    law: 'oneEnd',
    says: /hung|removed/i,
    backend: events((event) => (event.kind === 'removed' ? [] : [event])),
  },
  {
    fault: 'keeps the recall to itself',
    law: 'oneEnd',
    says: /nobody had recalled it/,
    backend: events((event) => (event.kind === 'recall' ? [] : [event])),
  },
  {
    fault: 'never finishes closing',
    law: 'closing',
    says: /hung .*close/,
    backend: bent(({ device }) => ({
      device: {
        async close() {
          await device().close()
          await new Promise(() => {})
        },
      },
    })),
  },
  {
    fault: 'closes before the shares have ended',
    law: 'closing',
    says: /before share \d+ had ended|after close\(\) had resolved/,
    backend: bent(({ device }) => ({
      device: {
        async close() {
          later(() => void device().close())
        },
      },
    })),
  },
  {
    fault: 'throws when it is notified of a share that has ended',
    law: 'oneEnd',
    says: /no longer live/,
    backend: withRequests((requests, { device, sink }) => ({
      sink: (batch) => {
        for (const { id, kind } of batch) if (kind === 'end') requests.delete(id)
        sink(batch)
      },
      device: {
        notify(id) {
          if (!requests.has(id)) throw new PendshareError('ERR_PENDSHARE_ENDED', 'no longer live')
          device().notify(id)
        },
      },
    })),
  },
]
