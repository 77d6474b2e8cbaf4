/** No source file needs, over whatever detour, one that needs it. */
import { describe, expect, it } from 'vitest'
import { circlesIn, type Graph, graphOf, importsOf, includesOf, readSources } from '../circles.ts'

const graph = (needs: Record<string, readonly string[]>): Graph => new Map(Object.entries(needs))
const told = (circles: readonly string[][]) => circles.map((circle) => circle.join(' -> '))

describe('importsOf', () => {
  it('finds what is imported and exported, types and effects too, over one line or several', () => {
    const text = [
      "import a, { b } from './a.ts'",
      "import type { C } from '../c.ts'",
      "import './d.ts'",
      'import {',
      '  e,',
      "} from './e.ts'",
      "export * from './f.ts'",
      "export type { G } from './g.ts'",
    ].join('\n')
    expect(importsOf(text)).toEqual(['./a.ts', '../c.ts', './d.ts', './e.ts', './f.ts', './g.ts'])
  })

  it('leaves packages, dynamic imports, texts and comments alone', () => {
    const text = [
      "import { a } from 'package'",
      "import { b } from 'node:path'",
      "const c = await import('./c.ts')",
      "export const d = './d.ts'",
      "// import e from './e.ts'",
      " * import f from './f.ts'",
      "  import { g } from './g.ts'",
    ].join('\n')
    expect(importsOf(text)).toEqual([])
  })
})

describe('includesOf', () => {
  it('finds quoted includes, not those of the system and not comments', () => {
    const text =
      '#include <a.h>\n#include "b.h"\n#  include "../c/d.h"\n/* #include "e.h" */\n// #include "f.h"\n'
    expect(includesOf(text)).toEqual(['b.h', '../c/d.h'])
  })
})

describe('graphOf', () => {
  it('resolves imports from the file that has them, and drops what is not in the graph', () => {
    const sources = new Map([
      ['core/src/a.ts', "import { b } from './ring/b.ts'\nimport { c } from './c.ts'\n"],
      ['core/src/ring/b.ts', "import { a } from '../a.ts'\n"],
    ])
    expect(graphOf(sources)).toEqual(
      graph({ 'core/src/a.ts': ['core/src/ring/b.ts'], 'core/src/ring/b.ts': ['core/src/a.ts'] }),
    )
  })

  it('takes the included file beside, else each of the name that the compiler might find', () => {
    const sources = new Map([
      ['linux/share.c', '#include "peer.h"\n#include "../common/lease.h"\n'],
      ['linux/peer.h', ''],
      ['windows/peer.h', ''],
      ['examples/mine.cc', '#include "peer.h"\n#include "stdio.h"\n'],
      ['common/lease.h', ''],
    ])
    const found = graphOf(sources)
    expect(found.get('linux/share.c')).toEqual(['linux/peer.h', 'common/lease.h'])
    expect(found.get('examples/mine.cc')).toEqual(['linux/peer.h', 'windows/peer.h'])
  })
})

describe('circlesIn', () => {
  it('finds none where several ways lead to one file', () => {
    expect(circlesIn(graph({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }))).toEqual([])
  })

  it('tells a circle once, from whichever of its files it is seen', () => {
    expect(told(circlesIn(graph({ c: ['a'], b: ['c'], a: ['b'], d: ['a'] })))).toEqual(['a -> b -> c -> a'])
  })

  it('finds a file that needs itself', () => {
    expect(told(circlesIn(graph({ a: ['a'] })))).toEqual(['a -> a'])
  })

  it('tells every circle of files that have several', () => {
    const needs = { a: ['b'], b: ['a', 'c'], c: ['b', 'a'] }
    expect(told(circlesIn(graph(needs))).sort()).toEqual(['a -> b -> a', 'a -> b -> c -> a', 'b -> c -> b'])
  })
})

describe('the sources', () => {
  it('have no circle', async () => {
    expect(told(circlesIn(graphOf(await readSources())))).toEqual([])
  })

  it.for([
    ['packages/core/src/errors.ts', "import type { Device } from './device.ts'\n"],
    ['drivers/include/pendshare/abi.h', '#include "ring.h"\n'],
    ['packages/native/cc/events.h', '#include "device.h"\n'],
  ] as const)('would have one if %s needed what stands above it', async ([path, line]) => {
    const sources = new Map(await readSources())
    sources.set(path, line + sources.get(path))
    expect(circlesIn(graphOf(sources)).flat()).toContain(path)
  })
})
