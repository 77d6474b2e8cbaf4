/** How a good backend is made wrong in exactly one way, and what the suite has to say of it. */
import type { Backend, BackendDevice, BackendEvent, EventSink, ShareId, ShareRequest } from '@pendshare/core'
import type { LawName } from '../../src/breach.ts'

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
export function bent(bend: Bend): (good: Backend) => Backend {
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
export const events = (change: (event: BackendEvent) => BackendEvent[]) =>
  bent(({ sink }) => ({
    sink: (batch) => {
      const changed = batch.flatMap(change)
      if (changed.length > 0) sink(changed)
    },
  }))

/** Remembers the requests of the live shares, and what to do at their ends. */
export function withRequests(
  bend: (requests: Map<ShareId, ShareRequest>, good: Parameters<Bend>[0]) => Faults,
) {
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

export const later = (body: () => void) => void setImmediate(body)
