/** A machine to be broken and mended: root, a user without rights, and the command as either of them types it. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Finding } from '../../src/cli/doctor/finding.ts'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

export const USER = 'tester'
export const MODULES = `/lib/modules/${release()}`
/** Where the guest has the module that it was started with. */
export const DRIVER = '/run/pendshare/modules/pendshare.ko'
export const OLDER_DRIVER = process.env.PENDSHARE_OLDER_DRIVER
export const COMMAND = [
  process.execPath,
  '--conditions=@pendshare/source',
  path('../../src/cli/main.ts'),
] as const

/** Programs that are in everyone's PATH here: a login keeps nothing of this environment. */
const BIN = '/run/bin-of-doctor'

function install(name: string, ...argv: readonly string[]): void {
  mkdirSync(BIN, { recursive: true })
  const { NODE_OPTIONS = '', PENDSHARE_STRIPPED = '' } = process.env
  const environment = `export NODE_OPTIONS='${NODE_OPTIONS}' PENDSHARE_STRIPPED='${PENDSHARE_STRIPPED}'`
  writeFileSync(`${BIN}/${name}`, `#!/bin/sh\n${environment}\nexec ${argv.join(' ')} "$@"\n`)
  chmodSync(`${BIN}/${name}`, 0o755)
}

/** The administrator types what begins with sudo, and is root already. */
export function installCommands(): void {
  install('pendshare', ...COMMAND)
  install('lend', COMMAND[0], COMMAND[1], path('lending.ts'))
  install('sudo')
}

export function setUp(): void {
  installCommands()
  type(`useradd --create-home --shell /bin/bash ${USER}`)
}

/** Types lines into a shell of root's; throws if one fails. */
export function type(...lines: readonly string[]): string {
  const env = { ...process.env, PATH: `${BIN}:${process.env.PATH}` }
  return execFileSync('bash', ['-ec', lines.join('\n')], { env, encoding: 'utf8' })
}

export interface Told {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Types lines into a new login. */
export function asUser(...lines: readonly string[]): Told {
  const input = [`export PATH=${BIN}:$PATH`, ...lines, ''].join('\n')
  const { status, stdout, stderr } = spawnSync('su', ['-', USER], { input, encoding: 'utf8' })
  return { exitCode: status, stdout, stderr }
}

export function asRoot(line: string): Told {
  const env = { ...process.env, PATH: `${BIN}:${process.env.PATH}` }
  const { status, stdout, stderr } = spawnSync('bash', ['-c', line], { env, encoding: 'utf8' })
  return { exitCode: status, stdout, stderr }
}

export interface Diagnosis {
  readonly exitCode: number
  readonly missing: readonly string[]
  of(name: string): Finding | undefined
  /** All lines to type for what is missing, in their order. */
  readonly lines: readonly string[]
}

/** Reads what `pendshare doctor --json` printed last. */
export function read({ exitCode, stdout }: Pick<Told, 'exitCode' | 'stdout'>): Diagnosis {
  const told = JSON.parse(stdout) as { exitCode: number; findings: Finding[] }
  if (exitCode !== null && exitCode !== told.exitCode)
    throw new Error(`it ended by ${exitCode}, and told ${told.exitCode}`)
  const missing = told.findings.filter(({ state }) => state === 'missing')
  return {
    exitCode: told.exitCode,
    missing: missing.map(({ name }) => name),
    of: (name) => told.findings.find((each) => each.name === name),
    lines: missing.flatMap(({ fix = [] }) => fix),
  }
}

export const doctorOfUser = (...before: readonly string[]) =>
  read(asUser(...before, 'pendshare doctor --json'))
export const doctorOfRoot = (flags = '') => read(asRoot(`pendshare doctor --json ${flags}`))

/** A login that stays: lines are typed one at a time, and what each prints is waited for. */
export function stay() {
  const shell = spawn('su', ['-', USER], { stdio: ['pipe', 'pipe', 'inherit'] })
  const END = 'said all'
  let text = ''
  shell.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  shell.stdin.write(`export PATH=${BIN}:$PATH\n`)
  return {
    /** Without an answer, as the shell that would give it may not be this one any more. */
    type: (line: string) => shell.stdin.write(`${line}\n`),
    async ask(line: string): Promise<string> {
      text = ''
      shell.stdin.write(`${line}; echo ${END}\n`)
      while (!text.includes(END)) await once(shell.stdout, 'data')
      return text.slice(0, text.indexOf(END))
    },
    async [Symbol.asyncDispose](): Promise<void> {
      shell.stdin.end()
      await once(shell, 'close')
    },
  }
}
