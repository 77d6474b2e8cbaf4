/** The report as Markdown, put between two marks of a page: each goal, the figure, and whether it is met. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, format, type Report, type Row } from './rows.ts'

const BEGIN = '<!-- from bench/results.json by npm run bench -- --publish -->'
const END = '<!-- end -->'

/** The pages that show figures, and which. */
export const PAGES: Readonly<Record<string, (row: Row) => boolean>> = {
  'README.md': isTelling,
  'bench/README.md': () => true,
}

/** The extremes of each row. */
function isTelling({ row, parameters: { bytes, shares, wakeup, hugePages } }: Row): boolean {
  if (row === 'share+release, C')
    return bytes === 4096 || bytes === 1 << 20 || (bytes === 64 << 20 && hugePages === true)
  if (row === 'share+release, JavaScript over C')
    return bytes === 4096 || (bytes === 64 << 20 && hugePages === false)
  if (row.startsWith('concurrent shares')) return shares === 10_000
  return wakeup !== 'thread'
}

export function summary(report: Report, wanted: (row: Row) => boolean): string {
  const goals = report.rows.filter((row) => row.contender === 'pendshare' && row.goal !== null && wanted(row))
  const lines = goals.map((row) => line(row, peerOf(row, report.rows)))
  return [
    `${report.kernel}; ${report.machine}; ${report.date.slice(0, 10)}; ${report.accelerator === 'tcg' ? 'emulated: only ratios mean anything' : report.accelerator}.`,
    '',
    '| row | ours | peer | ours / peer | goal | |',
    '|---|--:|--:|--:|---|---|',
    ...lines,
  ].join('\n')
}

/** The peer that the row's goal is about. */
function peerOf(row: Row, rows: readonly Row[]): Row | undefined {
  return rows.find(
    (other) =>
      other.row === row.row &&
      describe(other.parameters) === describe(row.parameters) &&
      row.goal?.endsWith(other.contender),
  )
}

function line(row: Row, peer: Row | undefined): string {
  return [
    '',
    [row.row, describe(row.parameters)].filter((part) => part !== '').join(', '),
    `${format(row.median)} ${row.unit}`,
    peer === undefined ? '' : `${peer.contender}: ${format(peer.median)}`,
    row.ratioToPeer === null ? '' : format(row.ratioToPeer),
    row.goal,
    row.met ? 'met' : 'missed',
    '',
  ]
    .join(' | ')
    .trim()
}

/** `text` with the table between its two marks made anew. Throws when they are not there. */
export function withSummary(text: string, report: Report, wanted: (row: Row) => boolean): string {
  const begin = text.indexOf(BEGIN)
  const end = text.indexOf(END, begin)
  if (begin < 0 || end < 0) throw new Error(`no ${BEGIN} … ${END} to put the figures between`)
  return `${text.slice(0, begin + BEGIN.length)}\n${summary(report, wanted)}\n${text.slice(end)}`
}

export async function publish(repository: string, report: Report): Promise<void> {
  for (const [page, wanted] of Object.entries(PAGES)) {
    const file = join(repository, page)
    await writeFile(file, withSummary(await readFile(file, 'utf8'), report, wanted))
  }
}
