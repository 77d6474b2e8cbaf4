/**
 * Which source file needs which, read from their text, and where that runs in a circle: files that need each other over
 * whatever detour can be neither read nor changed alone.
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
