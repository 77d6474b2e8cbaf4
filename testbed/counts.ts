/** How many tests passed, failed and were skipped: what every stage of `npm test` reports, and its last line. */

export interface Counts {
  readonly passed: number
  readonly failed: number
  /** Only with a reason: a test that is skipped without one counts as failed. */
  readonly skipped: number
}

export const nothing: Counts = { passed: 0, failed: 0, skipped: 0 }

export function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }
}

export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

/** The counts of a line as formatCounts() writes it, or undefined. */
export function parseCounts(line: string): Counts | undefined {
  const [, ...counts] = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(line) ?? []
  const [passed, failed, skipped] = counts.map(Number)
  return passed === undefined || failed === undefined || skipped === undefined
    ? undefined
    : { passed, failed, skipped }
}

/** True if the title of a skipped test says what it lacks, as the contract suite's do: "… (needs event)". */
export function saysWhatItNeeds(title: string): boolean {
  return /\(needs [^)]+\)/.test(title)
}

/**
 * Counts the tests in TAP output of one run or several. node:test's closing summaries are taken where there are some (its nested
 * points are not listed flat); else each `ok` and `not ok` line counts. A plan that was not fulfilled, a bail-out, and a skip that gives
 * no reason count as failed.
 */
export function countTap(output: string): Counts {
  const lines = output.split('\n')
  const summaries = (name: string) => lines.filter((line) => new RegExp(`^# ${name} \\d+$`).test(line))
  const summary = (name: string) =>
    summaries(name).reduce((sum, line) => sum + Number(line.slice(`# ${name} `.length)), 0)
  const told =
    summaries('tests').length === 0
      ? countPoints(lines)
      : {
          passed: summary('pass'),
          failed: summary('fail') + summary('cancelled'),
          skipped: summary('skipped') + summary('todo'),
        }
  const silent = lines.filter(isSilentSkip).length
  return { ...told, failed: told.failed + silent, skipped: told.skipped - silent }
}

function isSilentSkip(line: string): boolean {
  const skip = /^\s*(?:not )?ok\b(.*)# *(?:skip|todo)\b(.*)$/i.exec(line)
  return skip !== null && skip[2]?.trim() === '' && !saysWhatItNeeds(skip[1] ?? '')
}

function countPoints(lines: readonly string[]): Counts {
  const points = lines.filter((line) => /^(not )?ok\b/.test(line))
  const skipped = points.filter((line) => /# *(skip|todo)\b/i.test(line)).length
  const failed = points.filter((line) => /^not ok(?!.*# *todo\b)/i.test(line)).length
  const planned = lines.reduce((sum, line) => sum + Number(/^1\.\.(\d+)/.exec(line)?.[1] ?? 0), 0)
  const missing = Math.max(0, planned - points.length)
  const bailed = lines.filter((line) => line.startsWith('Bail out!')).length
  return { passed: points.length - skipped - failed, failed: failed + missing + bailed, skipped }
}
