/** Reads what the Linux driver tells of its open files in /proc/PID/fdinfo/FD; no device has to be opened for it. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const DEVICE = '/dev/pendshare'
const FILE_LINE = /^pendshare:\tshares (\d+) pinned_pages (\d+)$/m
const SHARE_LINE =
  /^share:\tid (\d+) bytes (\d+) access (\w+) peer (\S+) state (\w+) rings (\d+) missed (\d+|-) (?:frames (\d+) user (\d+) overruns (\d+) )?label (.*)$/gm

export interface ListedShare {
  readonly id: string
  readonly bytes: number
  readonly access: string
  readonly peer: string
  readonly state: string
  readonly rings: number
  /** Ticks that the timer of the peer missed; absent where it has none. */
  readonly missed?: number
  /** Slots of a share with frames, how many of them the program has, and the frames that found none. */
  readonly frames?: { readonly count: number; readonly user: number; readonly overruns: number }
  readonly label: string
}

/** An open file of the driver, as one process has it. */
export interface ListedFile {
  readonly pid: number
  /** The descriptor that the process has it by. */
  readonly fd: number
  readonly command: string
  readonly pinnedPages: number
  readonly shares: readonly ListedShare[]
}

/** The driver's open files in every process that this user may look into; one inherited by several is listed for each. */
export function listFiles(proc = '/proc'): ListedFile[] {
  const files: ListedFile[] = []
  for (const pid of entries(proc).filter((name) => /^\d+$/.test(name))) {
    for (const fd of entries(`${proc}/${pid}/fd`)) {
      // A process or descriptor may go while we look; then it is not listed.
      if (read(() => readlinkSync(`${proc}/${pid}/fd/${fd}`)) !== DEVICE) continue
      const text = read(() => readFileSync(`${proc}/${pid}/fdinfo/${fd}`, 'utf8'))
      const command = read(() => readFileSync(`${proc}/${pid}/comm`, 'utf8'))
      if (text !== undefined && command !== undefined)
        files.push(parseFile({ pid: Number(pid), fd: Number(fd), command: command.trim() }, text))
    }
  }
  return files
}

export function parseFile(whose: Pick<ListedFile, 'pid' | 'fd' | 'command'>, text: string): ListedFile {
  const shares = [...text.matchAll(SHARE_LINE)].map(
    ([, id = '', bytes, access = '', peer = '', state = '', rings, missed, ...rest]): ListedShare => ({
      id,
      bytes: Number(bytes),
      access,
      peer: peer === '-' ? '' : peer,
      state,
      rings: Number(rings),
      ...(missed !== '-' && { missed: Number(missed) }),
      ...framesOf(rest),
      label: restore(rest[3] ?? ''),
    }),
  )
  return { ...whose, pinnedPages: Number(FILE_LINE.exec(text)?.[2] ?? 0), shares }
}

function framesOf([count, user, overruns]: readonly (string | undefined)[]): Pick<ListedShare, 'frames'> {
  if (count === undefined) return {}
  return { frames: { count: Number(count), user: Number(user), overruns: Number(overruns) } }
}

/** Undoes the kernel's `\ooo` for bytes that would break a line into words. */
function restore(label: string): string {
  const bytes = Buffer.from(label, 'utf8').toString('latin1')
  const raw = bytes.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
  return Buffer.from(raw, 'latin1').toString('utf8')
}

function entries(directory: string): string[] {
  return read(() => readdirSync(directory)) ?? []
}

function read<T>(get: () => T): T | undefined {
  try {
    return get()
  } catch {
    return undefined
  }
}
