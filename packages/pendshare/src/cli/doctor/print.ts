/** How findings are told. */
import { EXIT } from '../exit-codes.ts'
import type { Finding } from './finding.ts'

const VERDICTS: Readonly<Record<number, string>> = {
  [EXIT.done]: 'ready',
  [EXIT.failed]: 'not ready',
  [EXIT.unclear]: 'cannot tell',
}

export function verdictOf(exitCode: number): string {
  return VERDICTS[exitCode] ?? ''
}

/** What was not looked at takes one line for each reason, where the first of it would have stood. */
export function report(findings: readonly Finding[], exitCode: number): string {
  const shown = findings.filter(
    ({ since }, index) => since === undefined || findings.findIndex((each) => each.since === since) === index,
  )
  const width = Math.max(...shown.map(({ name }) => name.length))
  const lines = shown.flatMap(({ state, name, detail, fix = [], since }) => [
    since === undefined
      ? `${state.padEnd(7)}  ${name.padEnd(width)}  ${detail}`
      : `${' '.repeat(9)}not looked at, since '${since}' comes first: ${namesOf(findings, (each) => each.since === since)}`,
    ...fix.map((line) => `${' '.repeat(9)}$ ${line}`),
  ])
  return [...lines, `pendshare doctor: ${summary(findings, exitCode)}`].join('\n')
}

function namesOf(findings: readonly Finding[], which: (finding: Finding) => boolean): string {
  return findings
    .filter(which)
    .map(({ name }) => name)
    .join(', ')
}

function summary(findings: readonly Finding[], exitCode: number): string {
  const verdict = verdictOf(exitCode)
  const names = (state: Finding['state']) => namesOf(findings, (each) => each.state === state)
  if (exitCode === EXIT.done) return `this machine is ${verdict}`
  if (exitCode === EXIT.unclear) return `${verdict} (${names('unknown')})`
  return `${verdict} (${names('missing')}); do what stands there from top to bottom, then run it again`
}
