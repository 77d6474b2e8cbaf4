/** Backends that are wrong in exactly one way, each with the law that the suite has to name for it. */
import type { Backend, BackendDevice, BackendEvent, EventSink, ShareId, ShareRequest } from '@pendshare/core'
import { PendshareError } from '@pendshare/core'
import type { LawName } from '../src/law.ts'

export interface Broken {
  readonly fault: string
  /** The law that is broken, as the suite has to report it, and what the report has to say. */
  readonly law: LawName
  readonly says: RegExp
  readonly backend: (good: Backend) => Backend
}

interface Faults {
  /** Stands between the good backend's events and the core. */
  readonly sink?: EventSink
  /** What the device does otherwise. */
  readonly device?: Partial<BackendDevice>
}

type Bend = (good: { device: () => BackendDevice; sink: EventSink }) => Faults

/** A backend that passes everything on but for what `bend` replaces. */
function bent(bend: Bend): (good: Backend) => Backend {
  return (good) => ({
    name: good.name,
    probe: () => good.probe(),
    async open(request, sink) {
      let device: BackendDevice | undefined
      const faults = bend({ device: () => device as BackendDevice, sink })
      device = await good.open(request, faults.sink ?? sink)
      return passing(device, faults.device ?? {})
    },
  })
}

function passing(good: BackendDevice, faults: Partial<BackendDevice>): BackendDevice {
  const { allocate } = good
  return {
    info: good.info,
    supports: good.supports,
    ...(allocate && { allocate: (bytes: number) => allocate.call(good, bytes) }),
    share: (request) => good.share(request),
    end: (id, how) => good.end(id, how),
    notify: (id) => good.notify(id),
    stats: () => good.stats(),
    ref: () => good.ref(),
    unref: () => good.unref(),
    close: () => good.close(),
    ...faults,
  }
}

/** A fault in the events alone: each is replaced by any number of events. */
const events = (change: (event: BackendEvent) => BackendEvent[]) =>
  bent(({ sink }) => ({
    sink: (batch) => {
      const changed = batch.flatMap(change)
      if (changed.length > 0) sink(changed)
    },
  }))

/** Remembers the requests of the live shares, and what to do at their ends. */
function withRequests(bend: (requests: Map<ShareId, ShareRequest>, good: Parameters<Bend>[0]) => Faults) {
  return bent((good) => {
    const requests = new Map<ShareId, ShareRequest>()
    const faults = bend(requests, good)
    const share = (request: ShareRequest) => {
      requests.set(request.id, request)
      return (faults.device?.share ?? ((each) => good.device().share(each)))(request)
    }
    return { ...faults, device: { ...faults.device, share } }
  })
}

const later = (body: () => void) => void setImmediate(body)

export const broken: readonly Broken[] = [
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
      return [{ id: event.id, kind: 'end', reason: 'failed', bytes: event.bytes }]
    }),
  },
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
    fault: 'writes into the memory after the end',
    law: 'reuse',
    says: /touched/,
    backend: withRequests((requests, { sink }) => ({
      sink: (batch) => {
        sink(batch)
        for (const { id, kind } of batch) {
          const memory = requests.get(id)?.memory
          if (kind === 'end' && memory) later(() => memory.fill(0x42))
        }
      },
    })),
  },
  {
    fault: 'ends a share while the peer still runs',
    law: 'reuse',
    says: /touched|are counted/,
    backend: withRequests((_requests, { device, sink }) => {
      const early = new Set<ShareId>()
      return {
        sink: (batch) => {
          const rest = batch.filter(({ id }) => !early.has(id))
          if (rest.length > 0) sink(rest)
        },
        device: {
          end(id, how) {
            if (early.has(id)) return false
            early.add(id)
            later(() => {
              sink([{ id, kind: 'end', reason: how === 'release' ? 'released' : 'cancelled', bytes: 0 }])
              setTimeout(() => device().end(id, how), 5)
            })
            return true
          },
        },
      }
    }),
  },
  {
    fault: 'leaks pages',
    law: 'reuse',
    says: /pages are counted/,
    backend: bent(({ device }) => {
      let leaked = 0
      return {
        device: {
          end: (id, how) => {
            leaked++
            return device().end(id, how)
          },
          stats: () => ({ ...device().stats(), pinnedPages: device().stats().pinnedPages + leaked }),
        },
      }
    }),
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
    fault: 'lends a copy',
    law: 'lease',
    says: /hung|byte/,
    backend: withRequests((requests, { device, sink }) => {
      const copies = new Map<ShareId, Uint8Array>()
      return {
        sink: (batch) => {
          for (const { id, kind } of batch)
            if (kind === 'end') requests.get(id)?.memory.set(copies.get(id) ?? [])
          sink(batch)
        },
        device: {
          share(request) {
            const { byteLength } = request.memory
            const copy = new Uint8Array(
              new SharedArrayBuffer(byteLength, { maxByteLength: byteLength }),
              0,
              byteLength,
            )
            copy.set(request.memory)
            copies.set(request.id, copy)
            return device().share({ ...request, memory: copy })
          },
        },
      }
    }),
  },
  {
    fault: 'lends the first page only',
    law: 'lease',
    says: /byte/,
    backend: bent(({ device }) => ({
      device: {
        share: (request) => device().share({ ...request, memory: request.memory.subarray(0, 4096) }),
      },
    })),
  },
  {
    fault: 'refuses a share and ends it nevertheless',
    law: 'lease',
    says: /which was refused/,
    backend: bent(({ device, sink }) => ({
      device: {
        async share(request) {
          try {
            await device().share(request)
          } catch (error) {
            later(() => sink([{ id: request.id, kind: 'end', reason: 'closed', bytes: 0 }]))
            throw error
          }
        },
      },
    })),
  },
  {
    fault: 'refuses with an error of its own',
    law: 'refusals',
    says: /no PendshareError/,
    backend: bent(({ device }) => ({
      device: {
        share(request) {
          if (request.peer.startsWith('no-such')) throw new Error('ENOENT')
          return device().share(request)
        },
      },
    })),
  },
  {
    fault: 'refuses with the wrong code',
    law: 'refusals',
    says: /ERR_PENDSHARE_UNKNOWN_PEER/,
    backend: bent(({ device }) => ({
      device: {
        share(request) {
          if (request.peer.startsWith('no-such')) throw new PendshareError('ERR_PENDSHARE_SYSTEM', 'ENOENT')
          return device().share(request)
        },
      },
    })),
  },
  {
    fault: 'knows every peer',
    law: 'refusals',
    says: /./,
    backend: bent(({ device }) => ({
      device: {
        share: (request) =>
          device().share(request.peer.startsWith('no-such') ? { ...request, peer: '' } : request),
      },
    })),
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
]
