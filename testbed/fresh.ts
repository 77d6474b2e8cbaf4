/**
 * `npm run test:fresh`: commands on a machine with nothing on it but what the README asks for: a minimal Debian 12 with git,
 * Node.js and npm, a clone of HEAD, and no caches. Without a command: those of the README's shell blocks, word for word and in
 * their order.
 */
import { spawn } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { cacheRoot, withLock } from './cache.ts'
import { mustRun, run } from './command.ts'
import { type Counts, formatCounts, nothing, parseCounts } from './counts.ts'
import { ROOT, readPage, shellCommands } from './pages.ts'
import { copyNetwork, debianRoot, inRoot } from './root.ts'

/** With npm come the certificates that it needs. */
const NEEDED = ['git', 'nodejs', 'npm', 'ca-certificates']

/** Where the clone lies in the root. */
const CLONE = '/root/pendshare'

interface End {
  readonly command: string
  readonly exitCode: number
  readonly seconds: number
  /** If its last line was one of counts. */
  readonly counts: Counts | undefined
}

/** Runs `commands`, all of them, whatever becomes of one, in a root that is gone afterwards. */
async function inFreshRoot(commands: readonly string[]): Promise<End[]> {
  const base = await debianRoot('fresh', 'bookworm', NEEDED)
  const root = join(cacheRoot(), 'fresh')
  return withLock(root, async () => {
    await rm(root, { recursive: true, force: true }) // of a run that was killed
    try {
      await mustRun(['cp', '--archive', '--reflink=auto', base, root])
      await copyNetwork(root)
      await clone(root)
      const environment = await outside()
      const ends: End[] = []
      for (const command of commands) ends.push(await runCommand(root, environment, command))
      return ends
    } finally {
      await rm(root, { recursive: true, force: true })
    }
  })
}

/** Of HEAD by itself: neither objects nor settings are shared with this checkout. */
async function clone(root: string): Promise<void> {
  const { stdout } = await run(['git', 'status', '--porcelain'], { cwd: ROOT })
  if (stdout !== '') console.log('fresh: what is not committed takes no part')
  await mkdir(join(root, 'root'), { recursive: true })
  await mustRun(['git', 'clone', '--quiet', '--no-hardlinks', ROOT, join(root, CLONE)])
}

/** What holds outside of any machine: the network's settings, npm's registry, and whether this is CI. */
async function outside(): Promise<Record<string, string>> {
  const passed = Object.entries(process.env).filter(([name]) =>
    /^(CI|NO_COLOR|(https?|no)_proxy)$/i.test(name),
  )
  const registry = (await run(['npm', 'config', 'get', 'registry'])).stdout.trim()
  return {
    ...(Object.fromEntries(passed) as Record<string, string>),
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LANG: 'C.UTF-8',
    npm_config_registry: registry,
    NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt',
  }
}

async function runCommand(
  root: string,
  environment: Readonly<Record<string, string>>,
  command: string,
): Promise<End> {
  console.log(`\nfresh: ${command}`)
  const start = performance.now()
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  const argv = ['env', '--ignore-environment', ...settings, 'sh', '-c', `cd ${CLONE} && ${command}`]
  const { exitCode, last } = await stream(inRoot(root, ['/dev', '/sys'], argv))
  const seconds = (performance.now() - start) / 1000
  return { command, exitCode, seconds, counts: parseCounts(last) }
}

/** Hands the output on as it comes, and keeps its last line. */
function stream(argv: readonly string[]): Promise<{ exitCode: number; last: string }> {
  const [program = '', ...rest] = argv
  const { promise, resolve, reject } = Promise.withResolvers<{ exitCode: number; last: string }>()
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  let tail = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    process.stdout.write(text)
    tail = `${tail}${text}`.slice(-1000)
  })
  child.on('error', reject)
  child.on('close', (code) =>
    resolve({ exitCode: code ?? 128, last: tail.trimEnd().split('\n').at(-1) ?? '' }),
  )
  return promise
}

/** Ends with the counts of the one command that was asked for, if it had some; else each command is a test. */
function report(ends: readonly End[]): Counts {
  console.log('\nOn a machine with nothing on it:')
  for (const { command, exitCode, seconds } of ends)
    console.log(
      `${seconds.toFixed(1).padStart(8)} s  ${exitCode === 0 ? 'ok' : `exit code ${exitCode}`}  ${command}`,
    )
  const failed = ends.filter(({ exitCode }) => exitCode !== 0).length
  const counts = { ...nothing, passed: ends.length - failed, failed }
  return (ends.length === 1 && ends[0]?.counts) || counts
}

function quote(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

async function main(): Promise<void> {
  const program = new Command('npm run test:fresh --')
    .description(
      'run commands on a machine with nothing on it: Debian 12, git, Node.js, npm, a clone of HEAD',
    )
    .argument(
      '[command...]',
      "a command, or one line for the shell, in the clone's root; without one: those of the README's shell blocks",
    )
    .passThroughOptions()
    .parse()
  const [line = '', ...rest] = program.args
  const asked = rest.length === 0 ? line : program.args.map(quote).join(' ')
  const commands = asked === '' ? shellCommands(await readPage('README.md')) : [asked]
  const ends = await inFreshRoot(commands)
  const counts = report(ends)
  console.log(`\n${formatCounts(counts)}`)
  process.exitCode = ends.every(({ exitCode }) => exitCode === 0) ? 0 : 1
}

try {
  await main()
} catch (error) {
  console.error(`test:fresh: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
