import { describe, expect, it } from 'vitest'
import { judgePoints } from '../program.ts'

const counts = (passed: number, failed = 0, skipped = 0) => ({ passed, failed, skipped })

describe('judgePoints', () => {
  it('counts the points of a program that ends well', () => {
    const output = 'ok 1 - a\nok 2 - b # SKIP needs Windows\n1..2\n'
    expect(judgePoints({ exitCode: 0, output })).toEqual(counts(1, 0, 1))
  })

  it('counts a failed point once, though the exit code tells of it too', () => {
    expect(judgePoints({ exitCode: 1, output: 'ok 1 - a\nnot ok 2 - b\n1..2\n' })).toEqual(counts(1, 1))
  })

  it('fails a program without a point, one that dies after its points, and one that hangs', () => {
    expect(judgePoints({ exitCode: 0, output: 'all is well\n' })).toEqual(counts(0, 1))
    expect(judgePoints({ exitCode: 139, output: 'ok 1 - a\n1..1\n' })).toEqual(counts(1, 1))
    expect(judgePoints({ exitCode: undefined, output: 'ok 1 - a\n' })).toEqual(counts(1, 1))
  })

  it('takes a machine for a test: one more that passed, or one that failed', () => {
    const ended = { exitCode: 0, output: 'ok 1 - a\n1..1\n' }
    expect(judgePoints({ ...ended, problems: [] })).toEqual(counts(2))
    expect(judgePoints({ ...ended, problems: ['KASAN', 'a page left pinned'] })).toEqual(counts(1, 1))
  })
})
