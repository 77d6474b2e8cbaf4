/** How many tests passed, failed and were skipped: what every stage of `npm test` reports, and its last line. */

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export const nothing: Counts = { passed: 0, failed: 0, skipped: 0 }

export function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }
}

export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

/**
 * Counts the tests in TAP output. node:test's closing summary is taken where there is one (its nested points are not
 * listed flat); else each `ok` and `not ok` line counts. A plan that was not fulfilled, and a bail-out, count as failed.
 */
export function countTap(output: string): Counts {
  const lines = output.split('\n')
  const summary = (name: string) =>
    lines.findLast((line) => line.startsWith(`# ${name} `))?.slice(`# ${name} `.length)
  const total = summary('tests')
  if (total !== undefined) {
    const failed = Number(summary('fail') ?? 0) + Number(summary('cancelled') ?? 0)
    const skipped = Number(summary('skipped') ?? 0) + Number(summary('todo') ?? 0)
    return { passed: Number(summary('pass') ?? 0), failed, skipped }
  }
  return countPoints(lines)
}

function countPoints(lines: readonly string[]): Counts {
  const points = lines.filter((line) => /^(not )?ok\b/.test(line))
  const skipped = points.filter((line) => /# *(skip|todo)/i.test(line)).length
  const failed = points.filter((line) => line.startsWith('not ok') && !/# *todo/i.test(line)).length
  const planned = lines
    .map((line) => /^1\.\.(\d+)/.exec(line)?.[1])
    .reduce((sum, count) => sum + Number(count ?? 0), 0)
  const missing =
    Math.max(0, planned - points.length) + lines.filter((line) => /^Bail out!/.test(line)).length
  return { passed: points.length - skipped - failed, failed: failed + missing, skipped }
}
