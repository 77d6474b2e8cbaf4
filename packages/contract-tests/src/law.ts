/** A law as plain data: what it promises, what it needs to be shown, and the code that shows it. */
import { AssertionError } from 'node:assert/strict'
import type { Context } from './context.ts'
import type { Need } from './subject.ts'

/** The names of the laws; a report names a breach by one of them. */
export const LAWS = {
  lease: 'the request is the lease',
  oneEnd: 'exactly one end',
  reuse: 'safe to reuse',
  memory: 'memory stays alive and in place',
  closing: 'closing drains',
  owner: 'nothing outlives its owner',
  threads: 'no thread is held by a pended share',
  events: 'events are ordered, and never inside a call',
  refusals: 'bad input is refused with its code',
  doorbell: 'a doorbell may coalesce, and is never lost',
  ring: 'a ring keeps its records',
  states: 'every operation in every state',
  random: 'any sequence of commands keeps the laws',
} as const
export type LawName = keyof typeof LAWS

export interface Law {
  readonly law: LawName
  readonly title: string
  /** Without all of these the law becomes a skip that names what is missing. */
  readonly needs: readonly Need[]
  run(context: Context): Promise<void>
}

/** A broken law that was seen aside from what the running test looks at. */
export class Breach extends AssertionError {
  readonly law: LawName

  constructor(law: LawName, message: string) {
    super({ message: `${LAWS[law]}: ${message}` })
    this.law = law
  }
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
