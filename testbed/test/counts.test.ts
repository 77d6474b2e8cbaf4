import { describe, expect, it } from 'vitest'
import { countTap } from '../counts.ts'

describe('countTap', () => {
  it('adds up the summaries of several runs, so that a failure in the first is not lost', () => {
    const run = (pass: number, fail: number) =>
      `ok 1 - suite\n# tests ${pass + fail}\n# pass ${pass}\n# fail ${fail}\n# cancelled 0\n# skipped 0\n# todo 0\n`
    expect(countTap(run(3, 2) + run(4, 0))).toEqual({ passed: 7, failed: 2, skipped: 0 })
  })

  it('takes the summary of node:test, whose points are nested', () => {
    const output = [
      'TAP version 13',
      '# Subtest: laws',
      '    # Subtest: one end',
      '    ok 1 - one end',
      '    not ok 2 - safe to reuse',
      '    1..2',
      'not ok 1 - laws',
      '1..1',
      '# tests 3',
      '# suites 1',
      '# pass 1',
      '# fail 1',
      '# cancelled 0',
      '# skipped 1',
      '# todo 0',
      '# duration_ms 5',
    ].join('\n')
    expect(countTap(output)).toEqual({ passed: 1, failed: 1, skipped: 1 })
  })

  it('counts plain points, skips and failures', () => {
    const output =
      '1..4\nok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP no huge pages\nok 4 - d\nokay, not a point\n'
    expect(countTap(output)).toEqual({ passed: 2, failed: 1, skipped: 1 })
  })

  it('counts what the plan promised and nobody ran', () => {
    expect(countTap('1..3\nok 1 - a\n')).toEqual({ passed: 1, failed: 2, skipped: 0 })
    expect(countTap('ok 1 - a\nBail out! no device\n')).toEqual({ passed: 1, failed: 1, skipped: 0 })
  })

  it('adds up several programs run one after the other', () => {
    expect(countTap('1..1\nok 1 - a\n1..2\nok 1 - b\nok 2 - c\n')).toEqual({
      passed: 3,
      failed: 0,
      skipped: 0,
    })
  })

  it('takes a skip without a reason for a failure, also among nested tests', () => {
    expect(countTap('ok 1 - a # SKIP\nok 2 - b (needs event) # SKIP\nok 3 - c # SKIP no swap\n')).toEqual({
      passed: 0,
      failed: 1,
      skipped: 2,
    })
    const nested =
      'ok 1 - suite\n    ok 1 - a # SKIP\n# tests 2\n# pass 1\n# fail 0\n# cancelled 0\n# skipped 1\n# todo 0\n'
    expect(countTap(nested)).toEqual({ passed: 1, failed: 1, skipped: 0 })
  })

  it('finds nothing in silence', () => {
    expect(countTap('')).toEqual({ passed: 0, failed: 0, skipped: 0 })
  })
})
