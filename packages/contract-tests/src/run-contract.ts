/** Turns the laws into the tests of `vitest` or `node:test`. */
import assert from 'node:assert/strict'
import { LAWS, type LawName } from './breach.ts'
import { runLaw } from './context.ts'
import { laws } from './laws/index.ts'
import { missing, type Runner, type Subject } from './subject.ts'

/**
 * Proves a backend. Every law becomes one test; a law that this subject cannot show becomes a skip whose name says
 * what is missing. When the last has run, what the environment counts as pinned has to be what it was before.
 */
export function runContract({ runner, ...subject }: Subject & { readonly runner: Runner }): void {
  const { describe, it, after } = runner
  describe(`${subject.name} keeps the contract`, () => {
    for (const name of Object.keys(LAWS) as LawName[]) {
      describe(LAWS[name], () => {
        for (const law of laws.filter((each) => each.law === name)) {
          const lack = missing(subject, law.needs)
          // Every wait inside is bounded by the watchdog; a limit for the sum would only measure the machine.
          if (lack === undefined) it(law.title, { timeout: Infinity }, () => runLaw(law, subject))
          else it.skip(`${law.title} (${lack})`, () => {})
        }
      })
    }
    const count = subject.hooks?.pinnedPages
    if (count === undefined || subject.skip !== undefined) return
    const before = count()
    after(async () => assert.equal(await count(), await before, 'pages are still pinned after the last test'))
  })
}
