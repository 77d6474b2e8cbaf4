/** A Windows of its own for one lane of tests: a fresh Wine prefix with the driver running, thrown away afterwards. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { cached, cacheRoot } from '../cache.ts'
import { mustRun, run } from '../command.ts'

/** A service is started or stopped in this time, or hangs. */
const SERVICE_LIMIT_S = 60

const RUN = 'wine-run-'
const REGISTRY = ['system.reg', 'user.reg', 'userdef.reg']

export interface Ended {
  /** undefined: it hung and was killed. */
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
}

export class Wine {
  readonly #directory: string
  readonly #prefix: string
  readonly #running = new Set<ChildProcess>()
  #service: ChildProcess | undefined

  /** Copies the prepared prefix. Its files are linked, but for the registry, which Wine writes in place. */
  static async create(): Promise<Wine> {
    const template = await preparedPrefix()
    const directory = await mkdtemp(join(cacheRoot(), RUN))
    const prefix = prefixOf(directory)
    await mustRun(['cp', '--archive', '--link', template, prefix])
    for (const name of REGISTRY) {
      await rm(join(prefix, name))
      await copyFile(join(template, name), join(prefix, name))
    }
    return new Wine(directory)
  }

  private constructor(directory: string) {
    this.#directory = directory
    this.#prefix = prefixOf(directory)
  }

  /** Puts drivers (`.sys`) where their services find them. */
  async install(drivers: readonly string[]): Promise<void> {
    const place = join(this.#prefix, 'drive_c/windows/system32/drivers')
    await mkdir(place, { recursive: true })
    for (const driver of drivers) await copyFile(driver, join(place, basename(driver)))
  }

  /** Installs the drivers and has `service` start pendshare. Rejects when it does not. */
  async startDriver(service: string, drivers: readonly string[]): Promise<void> {
    await this.install(drivers)
    const { child, output } = await this.#start('service', [service], 'pipe')
    this.#service = child
    const said = await until(SERVICE_LIMIT_S, async () => (await output()).stdout || undefined)
    if (said?.startsWith('running') !== true)
      throw new Error(`the driver does not start: ${said ?? `nothing in ${SERVICE_LIMIT_S} s`}`)
  }

  /** Stops the driver, which has to unload with nothing left behind; resolves with the problems. */
  async stopDriver(): Promise<readonly string[]> {
    const service = this.#service
    if (service === undefined) return ['the driver was not running']
    this.#service = undefined
    const closed = once(service, 'close')
    service.stdin?.end()
    const ended = await within(SERVICE_LIMIT_S, closed)
    const problems: string[] = []
    if (ended === undefined) problems.push(`the driver does not stop in ${SERVICE_LIMIT_S} s`)
    const left = await this.#fileInC('wdf-left.txt')
    if (left === undefined) problems.push('the driver was not unloaded')
    for (const line of left?.trim().split('\n') ?? [])
      if (!line.endsWith(': 0')) problems.push(`left behind: ${line}`)
    const stopped = await this.#fileInC('wdf-stop.txt')
    if (stopped !== undefined) problems.push(`the framework's double has stopped the driver: ${stopped}`)
    return problems
  }

  /** Runs a Windows program until its end or the limit. */
  async run(name: string, argv: readonly string[], limitS: number): Promise<Ended> {
    const { child, output } = await this.#start(name, argv, 'ignore')
    const closed = (await within(limitS, once(child, 'close'))) as [number | null] | undefined
    if (closed === undefined) child.kill('SIGKILL')
    return { exitCode: closed?.[0] ?? undefined, ...(await output()) }
  }

  /** Starts a program that lives as long as this Windows: Wine drops its drivers with its last process. */
  async hold(argv: readonly string[]): Promise<void> {
    await this.#start('hold', argv, 'ignore')
  }

  /**
   * Ends every process of this Windows, and removes it. Those that were started here go first: one that is only just starting
   * does not hear of the server's end, and would begin another Windows.
   */
  async destroy(): Promise<void> {
    const ends = [...this.#running].map((child) => once(child, 'close'))
    for (const child of this.#running) child.kill('SIGKILL')
    await Promise.all(ends)
    await stopServer(this.#prefix)
    await rm(this.#directory, { recursive: true, force: true })
  }

  /** Output goes to files: Windows' Node cannot use the pipes of Unix. */
  async #start(name: string, argv: readonly string[], stdin: 'pipe' | 'ignore') {
    const paths = ['stdout', 'stderr'].map((stream) => join(this.#directory, `${name}.${stream}`)) as [
      string,
      string,
    ]
    await using stdout = await open(paths[0], 'w')
    await using stderr = await open(paths[1], 'w')
    const child = spawn('wine', argv, {
      env: this.#environment(),
      stdio: [stdin, stdout.fd, stderr.fd],
    })
    this.#running.add(child)
    child.on('close', () => this.#running.delete(child))
    const output = async () => {
      const [stdout, stderr] = await Promise.all(paths.map((path) => readFile(path, 'utf8')))
      return { stdout: stdout ?? '', stderr: stderr ?? '' }
    }
    return { child, output }
  }

  #environment(): NodeJS.ProcessEnv {
    return wineEnvironment(this.#prefix)
  }

  async #fileInC(name: string): Promise<string | undefined> {
    return readFile(join(this.#prefix, 'drive_c', name), 'utf8').catch(() => undefined)
  }
}

/** Of runs that were killed. Only while no other runs. */
export async function removeLeftovers(): Promise<void> {
  const names = await readdir(cacheRoot()).catch(() => [])
  for (const name of names.filter((name) => name.startsWith(RUN))) {
    const directory = join(cacheRoot(), name)
    await stopServer(prefixOf(directory))
    await rm(directory, { recursive: true, force: true })
  }
}

async function stopServer(prefix: string): Promise<void> {
  const env = wineEnvironment(prefix)
  await run(['wineserver', '-k'], { env })
  await run(['wineserver', '-w'], { env })
}

function prefixOf(directory: string): string {
  return join(directory, 'prefix')
}

async function wineVersion(): Promise<string> {
  const env = { ...process.env, WINEDEBUG: '-all' }
  return (await mustRun(['wine', '--version'], { env })).stdout.trim()
}

/** Without a screen, without the components that Wine would offer to download, without its own messages. */
function wineEnvironment(prefix: string): NodeJS.ProcessEnv {
  const { DISPLAY: _, WAYLAND_DISPLAY: __, NODE_OPTIONS: ___, ...rest } = process.env
  return { ...rest, WINEPREFIX: prefix, WINEDEBUG: '-all', WINEDLLOVERRIDES: 'mscoree,mshtml=' }
}

/** Windows 10 in a prefix; takes about half a minute the first time. */
async function preparedPrefix(): Promise<string> {
  const version = (await wineVersion()).replaceAll(/[^\w.-]+/g, '_')
  const directory = await cached(`wine-prefix-${version}`, async (directory) => {
    console.log('windows-wine: making a Windows, once for this version of Wine')
    const env = wineEnvironment(prefixOf(directory))
    await mustRun(['wineboot', '--init'], { env, progress: 'wineboot' })
    await mustRun(['winecfg', '-v', 'win10'], { env })
    await mustRun(['wineserver', '-w'], { env })
  })
  return prefixOf(directory)
}

/** undefined: the time was up. */
async function within<T>(seconds: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const up = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), seconds * 1000)
  })
  return Promise.race([promise, up]).finally(() => clearTimeout(timer))
}

/** Asks until there is an answer; undefined when the time is up. */
async function until<T>(seconds: number, ask: () => Promise<T | undefined>): Promise<T | undefined> {
  const end = performance.now() + seconds * 1000
  for (;;) {
    const answer = await ask()
    if (answer !== undefined || performance.now() > end) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
