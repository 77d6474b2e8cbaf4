/** `pendshare top`: who holds memory in the Linux driver now. */
import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { PendshareError } from '../index.ts'
import { type ListedFile, listFiles } from './fdinfo.ts'
import { watchLive } from './top-live.ts'
import { visible } from './visible.ts'

const COLUMNS = [
  'PID',
  'COMMAND',
  'ID',
  'BYTES',
  'ACCESS',
  'PEER',
  'STATE',
  'RINGS',
  'MISSED',
  'FRAMES',
  'OVERRUNS',
  'LABEL',
] as const

export async function top({ json, watch }: { json?: true; watch?: number }): Promise<void> {
  if (!existsSync('/dev/pendshare')) throw new PendshareError('ERR_PENDSHARE_NO_DRIVER', whyNot())
  if (json) {
    console.log(JSON.stringify(listFiles(), undefined, 2))
    return
  }
  if (watch !== undefined && process.stdin.isTTY && process.stdout.isTTY) {
    await watchLive(listFiles, watch, process.stdin, process.stdout)
    return
  }
  for (;;) {
    console.log(table(listFiles()))
    if (watch === undefined) return
    await setTimeout(watch * 1000)
    console.log()
  }
}

function whyNot(): string {
  if (process.platform === 'linux') return 'there is no /dev/pendshare here; type `pendshare doctor`'
  return `top reads what Linux alone tells of open devices, and this is ${process.platform}; type \`pendshare info\``
}

export function table(files: readonly ListedFile[]): string {
  const rows = files.flatMap(({ pid, command, shares }) =>
    shares.map((share) =>
      [
        pid,
        command,
        share.id,
        share.bytes,
        share.access,
        share.peer || '-',
        share.state,
        share.rings,
        share.missed ?? '-',
        share.frames ? `${share.frames.user}/${share.frames.count}` : '-',
        share.frames?.overruns ?? '-',
        share.label,
      ].map((cell) => visible(String(cell))),
    ),
  )
  const widths = COLUMNS.map((column, i) =>
    Math.max(column.length, ...rows.map((row) => row[i]?.length ?? 0)),
  )
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  const pages = files.reduce((sum, file) => sum + file.pinnedPages, 0)
  const summary = `${rows.length} shares in ${files.length} open devices, ${pages} pinned pages`
  return [line(COLUMNS), ...rows.map(line), summary].join('\n')
}
