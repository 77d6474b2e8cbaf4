/** The laws by name, and what reports that one is broken. */
import { AssertionError } from 'node:assert/strict'

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
  frames: 'a slot is in one hand, and its frame whole',
  states: 'every operation in every state',
  random: 'any sequence of commands keeps the laws',
} as const
export type LawName = keyof typeof LAWS

/** A broken law that was seen aside from what the running test looks at. */
export class Breach extends AssertionError {
  readonly law: LawName

  constructor(law: LawName, message: string) {
    super({ message: `${LAWS[law]}: ${message}` })
    this.law = law
  }
}
