/**
 * Runs the steps of one peer on one share, one at a time. A step has two halves, between which anything may happen: it
 * takes a reference of the lease, and then touches the memory. Once the lease is ending no step begins.
 */
import type { Scheduler, Task, Timer } from '../scheduler/scheduler.ts'
import { OneStep } from '../scheduler/scheduler.ts'
import type { PeerHost } from './host.ts'
import type { Attachment } from './peer.ts'

/** A timer that is later than this does not catch up, but tells how many ticks it missed. */
const CATCH_UP_NS = 1e9

export class Steps implements Task {
  readonly #share: PeerHost
  readonly #scheduler: Scheduler
  #attachment: Attachment | undefined
  readonly #tick: Task
  #queued = false
  #running = false
  #notified = false
  #woken = false
  #ticks = 0
  #timer: Timer | undefined
  #due = 0
  #period = 0
  #waiter: Task | undefined

  constructor(share: PeerHost) {
    this.#share = share
    this.#scheduler = share.driver.scheduler
    this.#tick = new OneStep(`tick ${share.id}`, () => this.#onTick())
  }

  get label(): string {
    return `${this.#running ? 'step' : 'enter'} ${this.#share.id}`
  }

  /** Steps that `attach` asked for wait until it has returned. */
  start(attachment: Attachment): void {
    this.#attachment = attachment
  }

  notify(): void {
    this.#notified = true
    this.#queue()
  }

  wake(): void {
    this.#woken = true
    this.#queue()
  }

  after(ns: number): void {
    this.#period = 0
    this.#arm(this.#scheduler.now() + ns)
  }

  every(periodNs: number): void {
    this.#period = periodNs
    this.#arm(this.#scheduler.now() + periodNs)
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** False when no step is under way; else `waiter` runs as soon as that one is over. */
  busy(waiter: Task): boolean {
    if (this.#running) this.#waiter = waiter
    return this.#running
  }

  step(): boolean {
    if (!this.#running) {
      this.#running = this.#share.lease.get()
      return this.#running
    }
    const again = this.#act()
    this.#running = false
    this.#queued = false
    if (again) this.#queueLater()
    else if (this.#woken || this.#notified) this.#queue()
    if (this.#waiter !== undefined) this.#scheduler.soon(this.#waiter)
    this.#share.put()
    return false
  }

  #act(): boolean {
    const ticks = this.#ticks
    const now = ticks > 0 && this.#period > 0 ? this.#due : this.#scheduler.now()
    this.#ticks = 0
    try {
      if (this.#notified) {
        this.#notified = false
        this.#attachment?.notify?.()
      }
      if (!this.#woken && ticks === 0) return false
      this.#woken = false
      return this.#attachment?.step?.(now, this.#period > 0 ? ticks : 0) ?? false
    } catch (error) {
      this.#share.peerThrew(error)
      return false
    } finally {
      if (ticks > 0 && this.#period > 0) this.#arm(this.#due + this.#period)
    }
  }

  #queue(): void {
    if (this.#queued) return
    this.#queued = true
    this.#scheduler.soon(this)
  }

  /** What repeats as fast as it can lets the program have a turn, which it would have beside a real kernel. */
  #queueLater(): void {
    this.#woken = true
    this.#queued = true
    this.#scheduler.later(this, this.#share.file.referenced)
  }

  #arm(due: number): void {
    this.#timer?.cancel()
    this.#due = due
    this.#timer = this.#scheduler.at(due, this.#tick)
  }

  /** The kernel's timers go on while a program is busy: those that came due meanwhile are served one by one. */
  #onTick(): void {
    this.#ticks = 1
    const late = this.#scheduler.now() - this.#due
    if (this.#period > 0 && late > CATCH_UP_NS) {
      const missed = Math.floor(late / this.#period)
      this.#ticks += missed
      this.#due += missed * this.#period
    }
    this.#queue()
  }
}
