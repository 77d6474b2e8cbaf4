/** The live view of `pendshare top`, without the terminal: what a key does to it, and its lines for so many columns and rows. */
import type { ListedFile, ListedShare } from './fdinfo.ts'
import { visible } from './visible.ts'

/** A share as it is shown: its values by column, as text, and what it is sorted by. */
interface Row {
  readonly text: Readonly<Record<Column, string>>
  readonly value: Readonly<Record<Column, number | string>>
}

/** In their order on the screen. */
const COLUMNS = [
  'PID',
  'COMMAND',
  'ID',
  'PEER',
  'BYTES',
  'STATE',
  'RINGS',
  'RINGS/S',
  'MISSED',
  'FRAMES',
  'OVERRUNS',
  'LABEL',
] as const
type Column = (typeof COLUMNS)[number]

/** Left out first where the terminal is too narrow for all. */
const DISPENSABLE: readonly Column[] = [
  'ID',
  'RINGS',
  'STATE',
  'COMMAND',
  'OVERRUNS',
  'FRAMES',
  'MISSED',
  'LABEL',
  'BYTES',
  'PEER',
]
const NUMBERS: ReadonlySet<Column> = new Set(['PID', 'ID', 'BYTES', 'RINGS', 'RINGS/S', 'MISSED', 'OVERRUNS'])
/** Labels are as long as their owners like, up to here. */
const LABEL_COLUMNS = 32

/** What was listed, and when: rates are differences between two of these. */
export interface Listing {
  readonly files: readonly ListedFile[]
  readonly atMs: number
}

export interface View {
  readonly sort: Column
  readonly reversed: boolean
  readonly filter: string
  /** Keys go into the filter. */
  readonly typing: boolean
  readonly paused: boolean
  /** Rows that are scrolled out at the top. */
  readonly above: number
}

export const FIRST_VIEW: View = {
  sort: 'PID',
  reversed: false,
  filter: '',
  typing: false,
  paused: false,
  above: 0,
}

/** A key as `node:readline` names it, or what was typed. `undefined`: the view is to be left. */
export function press(
  view: View,
  { name = '', text = '' }: { name?: string; text?: string },
): View | undefined {
  if (view.typing) return type(view, name, text)
  switch (text) {
    case 'q':
      return undefined
    case 's':
      return { ...view, sort: next(view.sort), above: 0 }
    case 'r':
      return { ...view, reversed: !view.reversed, above: 0 }
    case '/':
      return { ...view, typing: true }
    case ' ':
      return { ...view, paused: !view.paused }
  }
  if (name === 'escape') return { ...view, filter: '', above: 0 }
  const steps = { up: -1, down: 1, pageup: -10, pagedown: 10, home: Number.NEGATIVE_INFINITY, end: 1e9 }
  const step = steps[name as keyof typeof steps] ?? 0
  return { ...view, above: Math.max(0, view.above + step) }
}

function type(view: View, name: string, text: string): View {
  if (name === 'return' || name === 'enter') return { ...view, typing: false }
  if (name === 'escape') return { ...view, typing: false, filter: '' }
  if (name === 'backspace') return { ...view, filter: [...view.filter].slice(0, -1).join(''), above: 0 }
  return /^\P{C}+$/u.test(text) ? { ...view, filter: view.filter + text, above: 0 } : view
}

function next(column: Column): Column {
  return COLUMNS[(COLUMNS.indexOf(column) + 1) % COLUMNS.length] ?? 'PID'
}

/** Its lines, none longer than the terminal is wide, as many as it has rows; `head`: which of them has the heads of the columns. */
export function screen(
  view: View,
  now: Listing,
  before: Listing | undefined,
  { columns, rows }: { readonly columns: number; readonly rows: number },
): { readonly lines: readonly string[]; readonly head: number } {
  const all = rowsOf(now, before)
  const wanted = all.filter(({ text }) => matches(text, view.filter)).sort(order(view))
  const top = [title(now, all.length, view)]
  if (view.typing || view.filter !== '') top.push(`filter: ${view.filter}${view.typing ? '_' : ''}`)
  const room = Math.max(1, rows - top.length - 2)
  const above = Math.min(view.above, Math.max(0, wanted.length - room))
  const shown = wanted.slice(above, above + room)
  const [head = '', ...body] = layOut(wanted, shown, view, columns)
  if (wanted.length === 0)
    body.push(all.length === 0 ? 'nobody lends memory now' : 'nothing matches the filter')
  const filling = Array.from({ length: Math.max(0, room - body.length) }, () => '')
  const lines = [...top, head, ...body, ...filling, help(view, columns)]
  return { lines: lines.slice(0, rows).map((line) => cut(line, columns)), head: top.length }
}

function title({ files }: Listing, shares: number, { paused }: View): string {
  const pages = files.reduce((sum, file) => sum + file.pinnedPages, 0)
  return `${paused ? 'paused: ' : ''}${shares} shares in ${files.length} open devices, ${pages} pinned pages`
}

function help({ sort, reversed, typing }: View, columns: number): string {
  if (typing) return 'Enter keeps the filter, Esc clears it'
  const long = `q quit  s sort by ${sort}${reversed ? ', reversed' : ''}  r reverse  / filter  Space pause  ↑↓ scroll`
  return long.length <= columns ? long : 'q quit  s sort  r /'
}

function matches(text: Row['text'], filter: string): boolean {
  const low = filter.toLowerCase()
  return COLUMNS.some((column) => text[column].toLowerCase().includes(low))
}

/** Counts are sorted from the largest down, all else upwards. */
function order({ sort, reversed }: View): (a: Row, b: Row) => number {
  const counts = NUMBERS.has(sort) && sort !== 'PID' && sort !== 'ID'
  const sign = counts === reversed ? 1 : -1
  return (a, b) => {
    const [x, y] = [a.value[sort], b.value[sort]]
    return x === y ? 0 : sign * (x < y ? -1 : 1)
  }
}

/** The heads and the rows that are shown, in the columns that fit; their widths are those of all rows, so that scrolling moves none. */
function layOut(all: readonly Row[], shown: readonly Row[], view: View, columns: number): string[] {
  const width = (column: Column) =>
    Math.max(head(column, view).length, ...all.map(({ text }) => text[column].length))
  const widths = new Map(COLUMNS.map((column) => [column, width(column)]))
  const total = () => [...widths.values()].reduce((sum, each) => sum + each + 2, -2)
  for (const column of DISPENSABLE) if (total() > columns && column !== view.sort) widths.delete(column)
  const line = (cell: (column: Column) => string) =>
    [...widths]
      .map(([column, each]) =>
        NUMBERS.has(column) ? cell(column).padStart(each) : cell(column).padEnd(each),
      )
      .join('  ')
      .trimEnd()
  return [line((column) => head(column, view)), ...shown.map(({ text }) => line((column) => text[column]))]
}

function head(column: Column, { sort }: View): string {
  return column === sort ? `[${column}]` : column
}

function rowsOf(now: Listing, before: Listing | undefined): Row[] {
  const seconds = before === undefined ? 0 : (now.atMs - before.atMs) / 1000
  const rings = new Map(
    before?.files.flatMap((file) => file.shares.map((share) => [key(file, share), share.rings])),
  )
  return now.files.flatMap((file) =>
    file.shares.map((share) => {
      const earlier = rings.get(key(file, share))
      const rate = earlier === undefined || seconds <= 0 ? undefined : (share.rings - earlier) / seconds
      return row(file, share, rate)
    }),
  )
}

function key({ pid, fd }: ListedFile, { id }: ListedShare): string {
  return `${pid} ${fd} ${id}`
}

function row({ pid, command }: ListedFile, share: ListedShare, rate: number | undefined): Row {
  const { id, peer, bytes, state, rings, missed, frames, label } = share
  const value: Record<Column, number | string> = {
    PID: pid,
    COMMAND: command,
    ID: Number(id),
    PEER: peer,
    BYTES: bytes,
    STATE: state,
    RINGS: rings,
    'RINGS/S': rate ?? -1,
    MISSED: missed ?? -1,
    FRAMES: frames?.user ?? -1,
    OVERRUNS: frames?.overruns ?? -1,
    LABEL: label,
  }
  const text: Record<Column, string> = {
    ...(Object.fromEntries(COLUMNS.map((column) => [column, countOf(value[column])])) as Record<
      Column,
      string
    >),
    ID: id,
    PEER: peer || '-',
    BYTES: amount(bytes),
    'RINGS/S': rate === undefined ? '-' : rate.toFixed(rate < 10 && rate > 0 ? 1 : 0),
    FRAMES: frames === undefined ? '-' : `${frames.user}/${frames.count}`,
    LABEL: cut(visible(label), LABEL_COLUMNS),
  }
  return { value, text }
}

function countOf(value: number | string): string {
  if (typeof value === 'string') return visible(value)
  return value < 0 ? '-' : String(value)
}

/** In the largest unit that leaves a whole number: memory is lent in pages. */
function amount(bytes: number): string {
  for (const [unit, size] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const)
    if (bytes >= size && bytes % size === 0) return `${bytes / size} ${unit}`
  return `${bytes} B`
}

function cut(text: string, columns: number): string {
  const characters = [...text]
  if (characters.length <= columns) return text
  return `${characters.slice(0, Math.max(0, columns - 1)).join('')}…`
}
