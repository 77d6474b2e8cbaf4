/** A law as plain data: what it promises, what it needs to be shown, and the code that shows it. */
import type { LawName } from './breach.ts'
import type { Context } from './context.ts'
import type { Need } from './subject.ts'

export interface Law {
  readonly law: LawName
  readonly title: string
  /** Without all of these the law becomes a skip that names what is missing. */
  readonly needs: readonly Need[]
  run(context: Context): Promise<void>
}

/** Defines the laws of one room: `law(title, run)` or `law(title, needs, run)`. */
export function room(
  name: LawName,
  define: (law: (title: string, needs: readonly Need[], run: Law['run']) => void) => void,
): readonly Law[] {
  const laws: Law[] = []
  define((title, needs, run) => laws.push({ law: name, title, needs, run }))
  return laws
}
