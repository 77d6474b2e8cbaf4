/** Runs laws without a test runner, and tells which of them a subject breaks. */
import {
  Breach,
  type Law,
  type LawName,
  laws,
  missing,
  runLaw,
  type Subject,
} from '@pendshare/contract-tests'

export interface Finding {
  readonly title: string
  /** The law that is broken, by name: the test's own, or another one that a witness saw broken meanwhile. */
  readonly law: LawName
  readonly message: string
}

/** Yields what is broken as the laws run one after the other; laws that the subject cannot show are left out. */
export async function* judge(subject: Subject, chosen: readonly Law[] = laws): AsyncGenerator<Finding> {
  for (const law of chosen) {
    if (missing(subject, law.needs) !== undefined) continue
    try {
      await runLaw(law, subject)
    } catch (error) {
      // What a witness saw broken, and what the law's own steps ran into, are findings of their own.
      if (error instanceof Breach) yield { title: law.title, law: error.law, message: error.message }
      const own = error instanceof Breach ? error.cause : error
      if (own instanceof Error) yield { title: law.title, law: law.law, message: own.message }
    }
  }
}
