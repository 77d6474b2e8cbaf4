/** Runs commands of the host to their end: output is collected, long ones report progress, a failure tells what ran and how it ended. */
import { spawn } from 'node:child_process'

export interface CommandOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** When given, a line with this label, the seconds gone and the latest output is printed every five seconds. */
  readonly progress?: string
}

export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  /** stdout and stderr in the order of their arrival. */
  readonly output: string
}

export class CommandError extends Error {
  readonly result: CommandResult

  constructor(argv: readonly string[], result: CommandResult) {
    const tail = result.output.trimEnd().split('\n').slice(-30).join('\n')
    super(`exit code ${result.exitCode} from: ${argv.join(' ')}\n${tail}`)
    this.name = 'CommandError'
    this.result = result
  }
}

/** Runs a program without a shell and resolves with its result, whatever the exit code; rejects only if it cannot start. */
export function run(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [program = '', ...args] = argv
  const { promise, resolve, reject } = Promise.withResolvers<CommandResult>()
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const timer = options.progress ? reportProgress(options.progress, () => output) : undefined
  child.on('error', (error) => {
    clearInterval(timer)
    reject(error)
  })
  child.on('close', (code, signal) => {
    clearInterval(timer)
    if (signal) output += `\nended by ${signal}`
    resolve({ exitCode: code ?? 128, stdout, output })
  })
  return promise
}

/** Like `run`, but an exit code other than 0 rejects with a CommandError. */
export async function mustRun(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const result = await run(argv, options)
  if (result.exitCode !== 0) throw new CommandError(argv, result)
  return result
}

function reportProgress(label: string, output: () => string): NodeJS.Timeout {
  const start = performance.now()
  return setInterval(() => {
    const text = output()
    const seconds = Math.round((performance.now() - start) / 1000)
    const lines = text.length === 0 ? 0 : text.split('\n').length - 1
    const latest = text.slice(-400).trimEnd().split('\n').at(-1)?.trim().slice(0, 80) ?? ''
    console.log(`  ${label}: ${seconds} s, ${lines} lines, at: ${latest}`)
  }, 5000)
}
