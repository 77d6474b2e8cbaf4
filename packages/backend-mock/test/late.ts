/** A driver whose one timer comes as late as the test wants; the stepped schedule never lets one be late. */
import assert from 'node:assert/strict'
import type { ShareRequest } from '@pendshare/core'
import { Driver } from '../src/driver.ts'
import { OpenFile } from '../src/file.ts'
import type { MockPeer } from '../src/index.ts'
import type { Scheduler, Task } from '../src/scheduler/scheduler.ts'

/** Shares at once. `expire(time)` serves the share's timer, at so many nanoseconds. */
export function lateDriver(peer: MockPeer, request: ShareRequest): { expire(time: number): void } {
  const scheduler = new LateScheduler()
  const limits = { pageSize: 4096, memlockBytes: 1 << 20, maxShares: 1, maxTicksPerSecond: 1e5 }
  new OpenFile(new Driver(scheduler, limits, [peer]), () => {}).share(request)
  return scheduler
}

class LateScheduler implements Scheduler {
  readonly byItself = true
  readonly inline = true
  #time = 0
  #timer: Task | undefined

  now(): number {
    return this.#time
  }

  soon(task: Task): void {
    while (task.step());
  }

  later(): void {
    assert.fail('no step asks for another')
  }

  at(_: number, task: Task) {
    this.#timer = task
    return { cancel: () => {} }
  }

  expire(time: number): void {
    this.#time = time
    this.#timer?.step()
  }
}
