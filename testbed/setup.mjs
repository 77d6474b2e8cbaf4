/**
 * The door for every root script, on whatever Node the system has (18 and up): installs the workspace when it is missing or
 * older than its lockfile, then runs `script.ts args...` with the pinned Node, handing on signals and the exit code.
 * Plain JavaScript without dependencies, since nothing is installed yet when it starts.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir, constants as osConstants, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..')
const bin = join(root, 'node_modules/.bin')
const stamp = join(root, 'node_modules/.pendshare-installed')
const say = (text) => console.log(`setup: ${text}`)

const [script, ...args] = process.argv.slice(2)
if (!script) fail('usage: node testbed/setup.mjs script.ts [arguments]')
process.env.HOME = usableHome()
await install()
process.env.PATH = `${bin}${delimiter}${process.env.PATH ?? ''}`
await become(join(bin, 'node'), [
  '--conditions=@pendshare/source',
  '--disable-warning=ExperimentalWarning',
  script,
  ...args,
])

/** npm, pnpm and our own cache write below HOME; in bare containers it is unset, or belongs to somebody else. */
function usableHome() {
  const home = process.env.HOME || homedir()
  try {
    accessSync(home, constants.W_OK)
    return home
  } catch {
    const substitute = join(tmpdir(), `pendshare-home-${process.getuid?.() ?? 'user'}`)
    mkdirSync(substitute, { recursive: true, mode: 0o700 })
    say(`the home directory ${home || '(unset)'} cannot be written; using ${substitute}`)
    return substitute
  }
}

async function install() {
  const lockfile = readFileSync(join(root, 'pnpm-lock.yaml'))
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const wanted = createHash('sha256').update(lockfile).update(packageManager).digest('hex')
  if (existsSync(join(bin, 'node')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  say(`installing the workspace with ${packageManager} (from the npm registry, into node_modules)`)
  const start = Date.now()
  const code = await run('npx', [
    '--yes',
    packageManager,
    'install',
    '--frozen-lockfile',
    '--reporter=append-only',
  ])
  if (code !== 0) await explainAndFail(code)
  writeFileSync(stamp, wanted)
  say(`installed in ${((Date.now() - start) / 1000).toFixed(1)} s`)
}

async function explainAndFail(code) {
  say(`installing failed with exit code ${code}; asking the npm registry for a sign of life`)
  const answers = (await run('npm', ['ping', '--fetch-timeout=15000', '--fetch-retries=0'])) === 0
  if (answers)
    fail('the npm registry answers: what went wrong stands above; mend it and run the same command again')
  fail(
    'the npm registry does not answer. Check the network and the proxy, and `npm config get registry`;\n' +
      'with a mirror of your own: npm config set registry <its address>. Then run the same command again.',
  )
}

/** Runs a tool in the workspace to its end; resolves with its exit code. CI keeps pnpm from asking questions. */
function run(command, argv) {
  return new Promise((resolve) => {
    const child = spawn(command, argv, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, CI: 'true' },
    })
    child.on('error', (error) => fail(`cannot start ${command}: ${error.message}; it comes with Node's npm`))
    child.on('close', (code) => resolve(code ?? 1))
  })
}

/** Takes the place of this process as far as Node can: same streams, same signals, same end. */
function become(command, argv) {
  const child = spawn(command, argv, { stdio: 'inherit' })
  const forward = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']
  // A terminal sends SIGINT to the whole group, so the child has it already: passing it on as well would kill it twice.
  const listener = (signal) => (signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal)
  for (const signal of forward) process.on(signal, listener)
  return new Promise((resolve) => {
    child.on('error', (error) => fail(`cannot start ${command}: ${error.message}`))
    child.on('close', (code, signal) => {
      process.exitCode = code ?? 128 + osConstants.signals[signal]
      resolve()
    })
  })
}

function fail(text) {
  console.error(`setup: ${text}`)
  process.exit(1)
}
