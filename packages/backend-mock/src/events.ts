/**
 * What an open file has to tell its owner: in order, rings of one share coalesced, all that waits in one batch, and
 * never inside a call.
 */
import type { BackendEvent, EventSink, ShareId } from '@pendshare/core'
import type { Scheduler, Task } from './scheduler/scheduler.ts'

interface RingReport {
  readonly id: ShareId
  readonly kind: 'doorbell'
  count: number
}

export class EventStream implements Task {
  readonly label = 'deliver'
  readonly #scheduler: Scheduler
  readonly #sink: EventSink
  readonly #delivered: (events: readonly BackendEvent[]) => void
  #waiting: BackendEvent[] = []
  #queued = false
  /** Reports that wait, and still count: at most one of a share, and never one that another event of it follows. */
  readonly #rings = new Map<ShareId, RingReport>()

  constructor(scheduler: Scheduler, sink: EventSink, delivered: (events: readonly BackendEvent[]) => void) {
    this.#scheduler = scheduler
    this.#sink = sink
    this.#delivered = delivered
  }

  get empty(): boolean {
    return this.#waiting.length === 0
  }

  push(event: BackendEvent): void {
    if (this.#rings.size > 0) this.#rings.delete(event.id)
    this.#waiting.push(event)
    if (this.#queued) return
    this.#queued = true
    this.#scheduler.soon(this)
  }

  ring(id: ShareId): void {
    const waiting = this.#rings.get(id)
    if (waiting !== undefined) {
      waiting.count += 1
      return
    }
    const report: RingReport = { id, kind: 'doorbell', count: 1 }
    this.push(report)
    this.#rings.set(id, report)
  }

  /** Takes back what a peer has rung for a share that is refused after all. */
  drop(id: ShareId): void {
    this.#waiting = this.#waiting.filter((event) => event.id !== id)
    this.#rings.delete(id)
  }

  step(): boolean {
    this.#queued = false
    if (this.empty) return false
    const events = this.#waiting
    this.#waiting = []
    // Clearing allocates, also what is empty.
    if (this.#rings.size > 0) this.#rings.clear()
    try {
      this.#sink(events)
    } finally {
      this.#delivered(events)
    }
    return false
  }
}
