/** Tests that are told as they end, each in a line of TAP, and counted. */
import { CommandError } from '../command.ts'
import { add, type Counts, nothing } from '../counts.ts'

export class Checks {
  #counts: Counts = nothing

  get counts(): Counts {
    return this.#counts
  }

  /** Resolves with whether `test` passed: what follows may be for nothing when it did not. */
  async check(name: string, test: () => void | Promise<void>): Promise<boolean> {
    const title = `${this.#counts.passed + this.#counts.failed + 1} - ${name}`
    try {
      await test()
      this.#counts = add(this.#counts, { ...nothing, passed: 1 })
      console.log(`ok ${title}`)
      return true
    } catch (error) {
      this.#counts = add(this.#counts, { ...nothing, failed: 1 })
      console.log(`not ok ${title}\n${explain(error).trimEnd().replace(/^/gm, '  ')}`)
      return false
    }
  }
}

/** Of a command all that it has said: a compiler's first error is the one that counts. */
function explain(error: unknown): string {
  if (error instanceof CommandError) return `${error.message.split('\n')[0]}\n${error.result.output}`
  return error instanceof Error ? error.message : String(error)
}
