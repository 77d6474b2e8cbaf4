/** What pages show is code: it has the types that it claims, it runs, and what does not run says why. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../command.ts'
import {
  isShell,
  isTypeScript,
  type Program,
  parsePage,
  programsOf,
  ROOT,
  readPages,
  shellCommands,
} from '../pages.ts'

/** Ends what hangs; far more than anything here takes. */
const HUNG_MS = 100_000

const pages = await readPages()
const blocks = pages.flatMap(({ path, blocks }) =>
  blocks.map((block) => ({ at: `${path}:${block.line}`, path, ...block })),
)
const programs = pages
  .flatMap(programsOf)
  .map((program) => ({ at: `${program.page}:${program.line}`, ...program }))
const first = programs.find(({ page }) => page === 'README.md')
const others = programs.filter((program) => program !== first && program.notRun === undefined)
const excerpts = blocks.flatMap(({ mark, ...block }) =>
  mark?.kind === 'from' ? [{ ...block, from: mark.text }] : [],
)
/** Excerpts in C are of drivers, which the beds build and load. */
const sources = [...new Set(excerpts.filter(isTypeScript).map(({ from }) => from))]

/** Within the repository, so that programs find its packages. */
let room: string

beforeAll(async () => {
  await mkdir(join(ROOT, 'build'), { recursive: true })
  room = await mkdtemp(join(ROOT, 'build/pages-'))
  for (const program of programs) {
    await mkdir(dirname(fileOf(program)), { recursive: true })
    await writeFile(fileOf(program), program.source)
  }
  // Pages declare what they do not go on to use.
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false }
  const files = [...programs.map(fileOf), ...sources.map((source) => join(ROOT, source))]
  await writeFile(
    join(room, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, files, include: [] }),
  )
})

afterAll(() => rm(room, { recursive: true, force: true }))

function fileOf({ page, line }: Program): string {
  return join(room, `${page}.${line}.ts`)
}

/** Puts the page, as `page:line:column`, in the place of the file that was made of it. */
function namingPages(output: string): string {
  const files = new RegExp(`(?:file://)?[^\\s'"(]*${relative(ROOT, room)}/([^\\s'"(:]+?)\\.\\d+\\.ts`, 'g')
  return output.replace(files, '$1').replace(/^(\S+?\.md)\((\d+),(\d+)\)/gm, '$1:$2:$3')
}

/** Resolves with what it wrote; rejects, naming the page, unless it ends by itself with exit code 0. */
async function runOnMock(file: string): Promise<string> {
  const argv = ['--conditions=@pendshare/source', '--disable-warning=ExperimentalWarning', file]
  const options = {
    env: { ...process.env, PENDSHARE_BACKEND: 'mock' },
    timeout: HUNG_MS,
    killSignal: 'SIGKILL' as const,
  }
  const ended = promisify(execFile)(process.execPath, argv, options)
  const { stdout } = await ended.catch(({ stdout, stderr, signal }) => {
    throw new Error(namingPages(`ended by ${signal ?? 'itself'}\n${stderr}${stdout.slice(-2000)}`))
  })
  return stdout
}

describe('TypeScript', () => {
  it('has no error of type on any page', async () => {
    const argv = [join(ROOT, 'node_modules/.bin/tsc'), '--noEmit', '--pretty', 'false', '-p', room]
    const { exitCode, output } = await run(argv, { cwd: ROOT })
    expect(namingPages(output)).toBe('')
    expect(exitCode).toBe(0)
  })

  it('that a reader tries first ends by itself and prints its End', async () => {
    const output = await runOnMock(fileOf(first ?? expect.fail('README.md has none')))
    const lastLine = output.trimEnd().split('\n').at(-1)
    expect(lastLine).toMatch(/^\{ reason: 'peer-ended', bytes: \d+, heldForMs: [\d.]+ \}$/)
  })

  it.for(others)('runs to its end on the mock: $at', async (program) => {
    await runOnMock(fileOf(program))
  })

  it.for(excerpts)('is in $from as it stands: $at', async ({ code, from }) => {
    expect(await readFile(join(ROOT, from), 'utf8')).toContain(code)
  })

  it.for(sources)('runs to its end on the mock: %s', async (source) => {
    await runOnMock(join(ROOT, source))
  })
})

describe('blocks', () => {
  it.for(blocks)('are fenced and say what they are: $at', ({ language, ...block }) => {
    const known =
      isTypeScript({ language, ...block }) ||
      isShell({ language, ...block }) ||
      language === 'text' ||
      (language === 'c' && block.mark !== undefined)
    expect(known, `${language ?? 'an indented block'} would not be tested; for what is no code: text`).toBe(
      true,
    )
  })

  it.for(blocks.filter(isShell))(
    'of commands are run by test:fresh or say why not: $at',
    ({ path, mark }) => {
      if (path !== 'README.md') expect(mark?.kind).toBe('not run')
      else expect(mark?.kind ?? 'not run').toBe('not run')
    },
  )
})

describe('a page', () => {
  const page = parsePage(
    'a.md',
    [
      '```ts\nconst one = 1\n```',
      '<!-- continues -->\n```ts\none satisfies 1\n```',
      '- <!-- not run: it is cold -->\n  ```typescript\n  one\n  ```',
      '<!-- from a.ts -->\n```ts\n```',
      '```sh\nfirst  # of all\n# nothing\n\nsecond \\\n  part\n```',
      '<!-- not run: it is cold -->\n\n```sh\nthird\n```',
      '<!-- not run -->\n```sh\nfourth\n```',
    ].join('\n\n'),
  )

  it('joins blocks that continue, each at its own line', () => {
    expect(programsOf(page)).toEqual([
      { page: 'a.md', line: 2, source: '\nconst one = 1\n\n\n\n\none satisfies 1\n', notRun: undefined },
      { page: 'a.md', line: 12, source: `${'\n'.repeat(11)}one\n`, notRun: 'it is cold' },
    ])
  })

  it('refuses a block that continues nothing', () => {
    const first = parsePage('a.md', '<!-- continues -->\n```ts\n```\n')
    expect(() => programsOf(first)).toThrow('a.md:3: there is no block')
  })

  it('gives the commands that are to be run, in their order; a mark without a reason is none', () => {
    expect(shellCommands(page)).toEqual(['first  # of all', 'second \\\n  part', 'fourth'])
  })

  it('is what errors point at', async () => {
    const broken = {
      page: 'docs/broken.md',
      line: 7,
      source: `${'\n'.repeat(6)}  throw new Error('on purpose')\n`,
    }
    const file = fileOf({ ...broken, notRun: undefined })
    await writeFile(file, broken.source)
    await expect(runOnMock(file)).rejects.toThrow(/^ended by itself\ndocs\/broken\.md:7\n/)
    expect(namingPages(`${relative(ROOT, file)}(7,3): error`)).toBe('docs/broken.md:7:3: error')
  })
})
