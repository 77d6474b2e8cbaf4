/** The open files of a driver, and what an administrator or the system does to all of them. */
import type { EventSink } from '@pendshare/core'
import type { Driver } from './driver.ts'
import { OpenFile } from './file.ts'

export class OpenFiles {
  readonly driver: Driver
  readonly #files = new Set<OpenFile>()

  constructor(driver: Driver) {
    this.driver = driver
  }

  open(sink: EventSink): OpenFile {
    const file = new OpenFile(this.driver, sink)
    this.#files.add(file)
    return file
  }

  async close(file: OpenFile): Promise<void> {
    await file.close()
    this.#files.delete(file)
  }

  remove(): void {
    for (const file of this.#files) file.remove()
  }

  recall(graceMs: number): void {
    for (const file of this.#files) for (const share of file.queue) share.recall(graceMs)
  }

  ownerExit(): void {
    for (const file of this.#files) file.ownerExit()
  }
}
