/** How findings are made, one after the other in the order of doing, and what they come to. */
import { EXIT } from '../exit-codes.ts'
import { type Machine, Unreadable } from './machine.ts'

/** `missing` makes a machine not ready, `unknown` an answer uncertain; a `note` does neither. */
export type State = 'ready' | 'missing' | 'unknown' | 'note'

export interface Result {
  readonly state: State
  readonly detail: string
  /** Lines to type into a shell, in this order. */
  readonly fix?: readonly string[]
}

export interface Finding extends Result {
  readonly name: string
  /** It was not looked at, since the finding of this name is not ready. */
  readonly since?: string
}

export interface Look {
  readonly name: string
  /** Names of earlier ones: it is not looked at while one of them is missing, or was not looked at. */
  readonly needs?: readonly string[]
  /** A device that answers proves it, so that not knowing more does not matter then. */
  readonly proven?: true
  /** `undefined`: there is nothing to say of it here. */
  look(machine: Machine): Result | undefined
}

export function examine(looks: readonly Look[], machine: Machine): Finding[] {
  const findings: Finding[] = []
  for (const { name, needs = [], proven, look } of looks) {
    const lacking = findings.find((each) => needs.includes(each.name) && obstacleIn(each))
    const since = lacking && obstacleIn(lacking)
    if (since !== undefined) {
      findings.push({ name, ...note(`not looked at, since '${since}' comes first`), since })
      continue
    }
    const result = attempt(look, machine)
    if (result === undefined) continue
    const settled = proven && result.state === 'unknown' && machine.probe?.usable
    findings.push({ name, ...result, ...(settled && { state: 'note' }) })
  }
  return findings
}

function obstacleIn({ name, state, since }: Finding): string | undefined {
  return since ?? (state === 'missing' ? name : undefined)
}

function attempt(look: Look['look'], machine: Machine): (Result & Pick<Finding, 'since'>) | undefined {
  try {
    return look(machine)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    if (machine.permission?.read !== false) return unknown(error.message)
    return { ...note(error.message), since: PERMISSION }
  }
}

/** Name of the finding that stands for all that Node's permission model keeps from being read. */
export const PERMISSION = 'permission'

export function exitCodeOf(findings: readonly Finding[]): number {
  const some = (state: State) => findings.some((finding) => finding.state === state)
  if (some('missing')) return EXIT.failed
  return some('unknown') ? EXIT.unclear : EXIT.done
}

export const ready = (detail: string): Result => ({ state: 'ready', detail })
export const note = (detail: string, ...fix: string[]): Result => withFix('note', detail, fix)
export const missing = (detail: string, ...fix: string[]): Result => withFix('missing', detail, fix)
export const unknown = (detail: string, ...fix: string[]): Result => withFix('unknown', detail, fix)

function withFix(state: State, detail: string, fix: readonly string[]): Result {
  return { state, detail, ...(fix.length > 0 && { fix }) }
}
