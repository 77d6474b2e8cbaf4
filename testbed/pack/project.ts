/** The project of somebody who has the packages and nothing else of ours: its own Node, no PATH into the workspace. */
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { type CommandResult, mustRun } from '../command.ts'
import { isPrebuilt, type Tarball } from './tarballs.ts'

export interface Refusal {
  readonly code: string
  readonly message: string
}

/** How a program gets at the package. */
export type ModuleType = 'module' | 'commonjs'

export class Project {
  readonly directory: string
  readonly #environment: NodeJS.ProcessEnv

  private constructor(directory: string, environment: NodeJS.ProcessEnv) {
    this.directory = directory
    this.#environment = environment
  }

  /**
   * That asks for all of `tarballs` itself, so that npm has to look for none of ours: `overrides` of files are beyond the npm of
   * Debian 12. Nothing is installed yet. `node`: the executable.
   */
  static async create(directory: string, tarballs: readonly Tarball[], node: string): Promise<Project> {
    const wanted = (some: readonly Tarball[]) =>
      Object.fromEntries(some.map(({ path, manifest }) => [manifest.name, `file:${path}`]))
    const manifest = {
      private: true,
      dependencies: wanted(tarballs.filter((tarball) => !isPrebuilt(tarball))),
      optionalDependencies: wanted(tarballs.filter(isPrebuilt)),
    }
    await mkdir(directory, { recursive: true })
    await writeFile(join(directory, 'package.json'), JSON.stringify(manifest))
    await cp(join(import.meta.dirname, 'programs'), directory, { recursive: true })
    return new Project(directory, outside(node))
  }

  /** The same, run by another Node. */
  under(node: string): Project {
    return new Project(this.directory, outside(node))
  }

  /** Runs a line as a shell would, with `more` behind it. */
  run(line: string, more: readonly string[] = []): Promise<CommandResult> {
    const argv = ['sh', '-c', `${line} "$@"`, 'sh', ...more]
    return mustRun(argv, { cwd: this.directory, env: this.#environment, progress: line.slice(0, 40) })
  }

  /** What a program prints. */
  async evaluate(program: string, type: ModuleType = 'module'): Promise<string> {
    const argv = ['node', `--input-type=${type}`, '-e', program]
    return (await mustRun(argv, { cwd: this.directory, env: this.#environment })).stdout
  }

  /** Why open() refuses the path of a file that is none of our devices. `platform`: what Node says of the system. */
  async refusal(backend: string, platform: string, type: ModuleType = 'module'): Promise<Refusal> {
    const program = `
      Object.defineProperty(process, 'platform', { value: '${platform}' })
      ${type === 'module' ? "import { open } from 'pendshare'" : "const { open } = require('pendshare')"}
      open({ backend: '${backend}', path: '/dev/null' })
        .catch(({ code, message }) => console.log(JSON.stringify({ code, message })))`
    return JSON.parse(await this.evaluate(program, type))
  }

  /** What one of its programs, or a bundle of it, prints of open()'s refusal. */
  async refusalOf(file: string, words: readonly string[] = []): Promise<Refusal> {
    const argv = [...words, 'node', file]
    return JSON.parse((await mustRun(argv, { cwd: this.directory, env: this.#environment })).stdout)
  }

  home(name: string): string {
    return join(this.directory, 'node_modules', name)
  }

  /** Whether one of the installed packages could import another, from wherever. */
  reaches(from: string, name: string): boolean {
    try {
      return createRequire(join(this.home(from), 'package.json')).resolve(`${name}/package.json`) !== ''
    } catch {
      return existsSync(this.home(name))
    }
  }

  /** By their names: where npm has the installed packages from. */
  async origins(): Promise<Map<string, string>> {
    const lock = JSON.parse(await readFile(join(this.directory, 'package-lock.json'), 'utf8'))
    const packages: [string, { resolved?: string }][] = Object.entries(lock.packages)
    return new Map(packages.map(([path, { resolved }]) => [nameOf(path), resolved ?? 'the registry']))
  }
}

function nameOf(path: string): string {
  return path.split('node_modules/').at(-1) ?? ''
}

/** What `npm run` tells its scripts is about the workspace; npm's settings, the registry among them, hold here too. */
function outside(node: string): NodeJS.ProcessEnv {
  const ours =
    /^(npm_(?!config_)|npm_config_local_prefix$|INIT_CWD$|NODE$|NODE_PATH$|NODE_OPTIONS$|PENDSHARE_)/i
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name))
  const path = (process.env.PATH ?? '').split(delimiter).filter((entry) => !entry.includes('node_modules'))
  return { ...Object.fromEntries(kept), CXX: 'g++', PATH: [dirname(node), ...path].join(delimiter) }
}
