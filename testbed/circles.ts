/**
 * Which source file needs which, read from their text, and where that runs in a circle: files that need each other over
 * whatever detour can be neither read nor changed alone. TypeScript, and C for its types, by imports and includes; a
 * driver's C files, which all include one header, by what they use of one another.
 */
import { glob, readFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { ROOT } from './pages.ts'

/** The text of files by their paths, which are from the root of the repository. */
export type Sources = ReadonlyMap<string, string>
/** What each file needs, among the files of the graph. */
export type Graph = ReadonlyMap<string, readonly string[]>

const SCANNED = [
  'packages/*/{src,test}/**/*.ts',
  'packages/*/{cc,native}/**/*.{c,cc,h}',
  'drivers/**/*.{c,cc,h}',
]

/** The formatter leaves every static import and export in column 0: what is indented is text or comment. */
const IMPORT = /^(?:import|(?:import|export|\}).* from) ['"](\.[^'"]+)['"]/gm
const INCLUDE = /^[ \t]*#[ \t]*include[ \t]*"([^"]+)"/gm

export async function readSources(): Promise<Sources> {
  const paths: string[] = []
  for await (const path of glob(SCANNED, { cwd: ROOT })) paths.push(path)
  const read = async (path: string) => [path, await readFile(posix.join(ROOT, path), 'utf8')] as const
  return new Map(await Promise.all(paths.sort().map(read)))
}

/** The relative specifiers of TypeScript, also of types alone. */
export function importsOf(text: string): string[] {
  return Array.from(text.matchAll(IMPORT), ([, specifier = '']) => specifier)
}

/** The quoted includes of C and C++. */
export function includesOf(text: string): string[] {
  return Array.from(text.matchAll(INCLUDE), ([, name = '']) => name)
}

export function graphOf(sources: Sources): Graph {
  const paths = [...sources.keys()]
  return new Map(
    Array.from(sources, ([path, text]) => {
      const script = path.endsWith('.ts')
      const needs = (script ? importsOf(text) : includesOf(text)).flatMap((name) => {
        const beside = posix.join(posix.dirname(path), name)
        if (sources.has(beside)) return [beside]
        if (script) return []
        // Which directories the compiler searches stands in the makefiles: each file that it might find there counts.
        return paths.filter((each) => each.endsWith(`/${name}`))
      })
      return [path, needs]
    }),
  )
}

/** Which of the C files in a directory, without those below it, uses a function or variable that another defines. */
export function callsIn(sources: Sources, directory: string): Graph {
  const files = Array.from(sources)
    .filter(([path]) => posix.dirname(path) === directory && path.endsWith('.c'))
    .map(([path, text]) => ({ path, uses: usesOf(text), ...definitionsOf(text) }))
  return new Map(
    files.map(({ path, uses, own, shared }) => {
      // A name that the file defines itself is its own, whoever else has one like it.
      const foreign = [...uses].filter((name) => !own.includes(name) && !shared.includes(name))
      const needs = files.filter((other) => other.shared.some((name) => foreign.includes(name)))
      return [path, needs.map((other) => other.path)]
    }),
  )
}

const COMMENT_OR_TEXT = /\/\*[\s\S]*?\*\/|\/\/.*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g
const DIRECTIVE = /^[ \t]*#(?:.*\\\n)*.*/gm
const ANY_INCLUDE = /^[ \t]*#[ \t]*include\b.*/gm
/** Neither members, nor what stands in numbers. */
const NAME = /(?<![\w.]|->)[A-Za-z_]\w*/g

/** Of a text whose parentheses and braces are empty. After its parameters a function may have annotations. */
const FUNCTION = /^(?!typedef\b)(static )?\w[\w \t]*[ *](\w+)\(\)(?:\s+\w+(?:\(\))?)*\s*\{\}/gm
const VARIABLE =
  /^(?!typedef\b|extern\b|(?:struct|union|enum) \w+;)(static )?\w[\w \t]*[ *](\w+)(?:\[.*?\])*(?:\s*=[^;]*)?;/gm
/** Linux defines lists and locks by macros. */
const DEFINED_BY_MACRO = /^(static )?(?:LIST_HEAD|DEFINE_\w+)\((\w+)/gm

/** The functions and variables that C defines in column 0: static ones, and those that other files may use. */
export function definitionsOf(text: string): { own: string[]; shared: string[] } {
  // What is blanked keeps its place: a comment before code would otherwise move that into column 0.
  const code = text.replace(COMMENT_OR_TEXT, blank).replace(DIRECTIVE, '')
  const outline = emptied(code)
  const found = [FUNCTION, VARIABLE].flatMap((pattern) => [...outline.matchAll(pattern)])
  const all = [...found, ...code.matchAll(DEFINED_BY_MACRO)]
  const named = (isStatic: boolean) =>
    all.filter(([, word]) => (word !== undefined) === isStatic).map(([, , name = '']) => name)
  return { own: named(true), shared: named(false) }
}

/** Every name that C uses, also in its macros. */
export function usesOf(text: string): ReadonlySet<string> {
  const code = text.replace(COMMENT_OR_TEXT, blank).replace(ANY_INCLUDE, '')
  return new Set(Array.from(code.matchAll(NAME), ([name]) => name))
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}

/** Without what stands in parentheses and braces. */
function emptied(code: string): string {
  let depth = 0
  return code.replace(/[(){}]|[^(){}]+/g, (piece) => {
    if (piece === ')' || piece === '}') depth = Math.max(0, depth - 1)
    const kept = depth === 0 ? piece : ''
    if (piece === '(' || piece === '{') depth++
    return kept
  })
}

/** For each file and each that it needs, the shortest circle through both, if there is one: `[a, b, a]`. Each is told once. */
export function circlesIn(graph: Graph): string[][] {
  const circles = new Map<string, string[]>()
  for (const [path, needs] of graph) {
    for (const need of needs) {
      const back = shortestWay(graph, need, path)
      if (back === undefined) continue
      const first = back.indexOf([...back].sort()[0] as string)
      const circle = [...back.slice(first), ...back.slice(0, first + 1)]
      circles.set(circle.join(), circle)
    }
  }
  return [...circles.values()]
}

/** The files on the way, with both ends. */
function shortestWay(graph: Graph, from: string, to: string): string[] | undefined {
  const ways = new Map([[from, [from]]])
  // A map that grows under its iteration is iterated to its end.
  for (const [path, way] of ways) {
    if (path === to) return way
    for (const need of graph.get(path) ?? []) if (!ways.has(need)) ways.set(need, [...way, need])
  }
  return undefined
}
