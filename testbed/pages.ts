/**
 * The code that pages show, to be checked and run. A comment on the line before a block, or with nothing between, marks it:
 *
 *   <!-- not run: REASON -->   TypeScript is checked all the same
 *   <!-- continues -->         TypeScript that needs the block before it: both are one program
 *   <!-- from FILE -->         an excerpt of that file, word for word; the file is checked and run in its place
 *
 * What has no mark is run: TypeScript by itself, the README's shell commands by `npm run test:fresh`.
 */
import { glob, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import MarkdownIt from 'markdown-it'

export const ROOT = resolve(import.meta.dirname, '..')

export interface Block {
  /** Of its first line of code, from 1 on. */
  readonly line: number
  /** What its fence says; `undefined` for a block that is only indented. */
  readonly language: string | undefined
  readonly code: string
  readonly mark?: { readonly kind: 'not run' | 'continues' | 'from'; readonly text: string }
}

export interface Page {
  /** From the root of the repository. */
  readonly path: string
  readonly blocks: readonly Block[]
}

export interface Program {
  readonly page: string
  readonly line: number
  /** Its lines have the numbers that they have in the page, so that whatever names one names the page's. */
  readonly source: string
  /** The reason. */
  readonly notRun: string | undefined
}

/** The parser gives blocks the numbers of their lines, within lists and quotes too, in one flat list. */
const markdown = new MarkdownIt({ html: true })

/** A mark without its text is none: what it stands before is run. */
const MARK = /^<!-- (?:(not run): (.*\S)|(continues)|(from) (\S+)) -->$/

/** Every page of the repository. */
export async function readPages(): Promise<Page[]> {
  const hidden = new Set(['node_modules', '.git', 'build', 'dist'])
  const paths: string[] = []
  for await (const path of glob('**/*.md', { cwd: ROOT, exclude: (name) => hidden.has(name) }))
    paths.push(path)
  return Promise.all(paths.sort().map(readPage))
}

/** `path` is from the root of the repository. */
export async function readPage(path: string): Promise<Page> {
  return parsePage(path, await readFile(join(ROOT, path), 'utf8'))
}

export function parsePage(path: string, text: string): Page {
  const tokens = markdown.parse(text, {})
  const blocks = tokens.flatMap(({ type, map, info, content }, index): Block[] => {
    if (type !== 'fence' && type !== 'code_block') return []
    const fenced = type === 'fence'
    const before = tokens[index - 1]
    const mark = before?.type === 'html_block' ? markOf(before.content.trim()) : undefined
    return [
      {
        line: (map?.[0] ?? 0) + (fenced ? 2 : 1),
        language: fenced ? (info.trim().split(/\s/)[0] ?? '') : undefined,
        code: content,
        ...(mark && { mark }),
      },
    ]
  })
  return { path, blocks }
}

function markOf(comment: string): Block['mark'] {
  const [, notRun, reason = '', continues, from, file = ''] = MARK.exec(comment) ?? []
  if (notRun !== undefined) return { kind: 'not run', text: reason }
  if (continues !== undefined) return { kind: 'continues', text: '' }
  return from === undefined ? undefined : { kind: 'from', text: file }
}

export function isTypeScript({ language }: Block): boolean {
  return language === 'ts' || language === 'typescript'
}

export function isShell({ language }: Block): boolean {
  return language === 'sh' || language === 'powershell'
}

/** Excerpts are not among them. */
export function programsOf({ path, blocks }: Page): Program[] {
  const chains: Block[][] = []
  for (const block of blocks.filter(isTypeScript)) {
    if (block.mark?.kind === 'from') continue
    if (block.mark?.kind !== 'continues') chains.push([block])
    else if (chains.length > 0) chains.at(-1)?.push(block)
    else throw new Error(`${path}:${block.line}: there is no block that this one could continue`)
  }
  return chains.map((chain) => ({
    page: path,
    line: chain[0]?.line ?? 0,
    source: chain.reduce((text, { line, code }) => text + '\n'.repeat(line - 1 - newlines(text)) + code, ''),
    notRun: chain.find(({ mark }) => mark?.kind === 'not run')?.mark?.text,
  }))
}

/** The commands of a page's shell blocks that are to be run, in their order, as they stand there. */
export function shellCommands({ blocks }: Page): string[] {
  return blocks
    .filter((block) => isShell(block) && block.mark === undefined)
    .flatMap(({ code }) => code.split(/(?<!\\)\n/))
    .filter((command) => !/^\s*(#|$)/.test(command))
}

function newlines(text: string): number {
  return text.split('\n').length - 1
}
