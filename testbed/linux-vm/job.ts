/** The directory that host and guest share for one run: the command and modules on the way in, output and findings on the way out. */
import { copyFile, mkdir, open, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** Where the guest mounts the host's scratch directory. */
export const scratchInGuest = '/run/scratch'

export interface Job {
  readonly command: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly path: readonly string[]
  readonly modules: readonly string[]
  readonly moduleOptions: string
  /** Directories of the host that the command sees at other paths. */
  readonly binds: readonly { readonly from: string; readonly at: string }[]
  readonly unprivileged: boolean
  readonly timeoutS: number
}

export interface Findings {
  readonly exitCode: number | undefined
  readonly problems: readonly string[]
}

/** Fills `directory` for guest-init: settings, command (a shell script), modules/ and an empty output. */
export async function writeJob(directory: string, job: Job): Promise<void> {
  await mkdir(join(directory, 'modules'))
  for (const path of job.modules) await copyFile(path, join(directory, 'modules', basename(path)))
  const settings = {
    time_limit: String(job.timeoutS),
    modules: job.modules.map((path) => basename(path)).join(' '),
    module_options: job.moduleOptions,
    binds: job.binds.map(({ from, at }) => `${from}:${at}`).join(' '),
  }
  await writeFile(join(directory, 'settings'), assignments(settings).join('\n'))
  await writeFile(join(directory, 'command'), commandScript(job))
  await writeFile(join(directory, 'output'), '')
}

/** It may read and search what the host's user may, who can have the repository in a home that is closed to others. */
const UNPRIVILEGED =
  'setpriv --reuid=1000 --regid=1000 --groups=990 --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search'

function commandScript(job: Job): string {
  const home = {
    PATH: job.path.join(':'),
    HOME: '/run/home',
    TMPDIR: '/run/tmp',
    LANG: 'C.UTF-8',
    PENDSHARE_SCRATCH: scratchInGuest,
  }
  const drop = job.unprivileged ? `${UNPRIVILEGED} ` : ''
  return [
    `cd ${quote(job.cwd)} || exit 125`,
    ...assignments({ ...home, ...job.env }).map((assignment) => `export ${assignment}`),
    `exec ${drop}${job.command.map(quote).join(' ')}`,
    '',
  ].join('\n')
}

function assignments(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).map(([name, value]) => `${name}=${quote(value)}`)
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

/** Reads what guest-init left behind. A guest that did not finish its report is a problem by itself. */
export async function readFindings(directory: string): Promise<Findings> {
  const read = (name: string) => readFile(join(directory, name), 'utf8').catch(() => '')
  const results = (await read('results')).trim().split('\n').filter(Boolean)
  const exit = (await read('exit-code')).trim()
  const problems = results.filter((line) => line !== 'done')
  if (!results.includes('done')) problems.push('the guest did not come to the end of its report')
  if (!/^\d+$/.test(exit)) problems.push(`the command did not end: ${exit || 'no exit code'}`)
  return { exitCode: /^\d+$/.test(exit) ? Number(exit) : undefined, problems }
}

/** Aborts once a guest that had a pulse has shown none for STILL_S seconds. */
export function watchPulse(directory: string): { readonly signal: AbortSignal; stop(): void } {
  const still = new AbortController()
  const timer = setInterval(async () => {
    const pulse = await stat(join(directory, 'pulse')).catch(() => undefined)
    if (pulse && Date.now() - pulse.mtimeMs > STILL_S * 1000) still.abort()
  }, 5000)
  return { signal: still.signal, stop: () => clearInterval(timer) }
}

/** Seconds; an emulated processor on a busy host stands still for a few. */
export const STILL_S = 180

/** Hands on what is appended to a file, as it comes; `stop` hands on the rest and resolves with all of it. */
export function followFile(path: string, onText: (text: string) => void): { stop(): Promise<string> } {
  const decoder = new TextDecoder()
  const buffer = new Uint8Array(1 << 16)
  let text = ''
  let position = 0
  let stopping = false
  const drain = async () => {
    await using file = await open(path)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
      if (bytesRead === 0) return
      position += bytesRead
      const piece = decoder.decode(buffer.subarray(0, bytesRead), { stream: true })
      text += piece
      onText(piece)
    }
  }
  const { promise: wake, resolve: wakeUp } = Promise.withResolvers<void>()
  const following = (async () => {
    while (!stopping) {
      await drain()
      await Promise.race([wake, new Promise((done) => setTimeout(done, 50))])
    }
    await drain()
    return text
  })()
  return {
    stop() {
      stopping = true
      wakeUp()
      return following
    },
  }
}
