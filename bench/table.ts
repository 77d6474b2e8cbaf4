/** The report as a table for a terminal. */
import Table from 'cli-table3'
import { describe, format, type Report, type Row } from './rows.ts'

export function table(report: Report): string {
  const rows = new Table({
    head: ['row', 'parameters', 'contender', 'median', 'min', 'max', 'unit', 'ours / peer', 'goal', ''],
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    colAligns: ['left', 'left', 'left', 'right', 'right', 'right'],
  })
  for (const row of report.rows) rows.push(cells(row))
  const goals = report.rows.filter(({ contender, met }) => contender === 'pendshare' && met !== null)
  const met = goals.filter(({ met }) => met).length
  return [
    '',
    `machine: ${report.machine}`,
    `kernel: ${report.kernel}`,
    rows.toString(),
    report.accelerator === 'tcg'
      ? 'The processor is emulated: only ratios mean anything, no figure by itself does.'
      : '',
    `bench: ${met} of ${goals.length} goals met`,
  ]
    .filter((line, i) => i === 0 || line !== '')
    .join('\n')
}

function cells(row: Row): string[] {
  return [
    row.row,
    describe(row.parameters),
    row.contender,
    ...[row.median, row.min, row.max].map(format),
    row.unit,
    row.ratioToPeer === null ? '' : format(row.ratioToPeer),
    row.goal ?? '',
    row.met === null ? '' : row.met ? 'met' : 'MISSED',
  ]
}
