/** No source file needs, over whatever detour, one that needs it. */
import { describe, expect, it } from 'vitest'
import {
  callsIn,
  circlesIn,
  definitionsOf,
  type Graph,
  graphOf,
  importsOf,
  includesOf,
  readSources,
  usesOf,
} from '../circles.ts'

/** Drivers whose files still call one another in circles: the test says when one can go from here. */
const CALL_ONE_WAY = ['drivers/linux', 'drivers/windows']

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

describe('definitionsOf', () => {
  const shared = (...lines: string[]) => definitionsOf(lines.join('\n')).shared

  it('finds functions with a body, over one line or several', () => {
    const text = [
      'int one(void)',
      '{',
      '\treturn two();',
      '}',
      'const struct thing *three(int a,',
      '\t\t\t  int (*b)(void))',
      '\t__must_hold(lock)',
      '{',
      '\tif (a) {',
      '\t\tb();',
      '\t}',
      '}',
    ]
    expect(shared(...text)).toEqual(['one', 'three'])
  })

  it('finds variables, with a value or none, and those that a macro defines', () => {
    const text = [
      'struct queue *one;',
      'int two[3] = { 1, 2 };',
      'struct thing three = {',
      '\t.run = run,',
      '};',
      'LIST_HEAD(four);',
      'DEFINE_MUTEX(five); /* of four */',
    ]
    expect(shared(...text)).toEqual(['one', 'two', 'three', 'four', 'five'])
  })

  it('tells static ones apart', () => {
    const text =
      'static int one;\nstatic inline void two(void)\n{\n}\nstatic DEFINE_MUTEX(three);\nint four(void) {}\n'
    const { own, shared } = definitionsOf(text)
    expect(own.sort()).toEqual(['one', 'three', 'two'])
    expect(shared).toEqual(['four'])
  })

  it('leaves declarations, types, macros, comments and texts alone', () => {
    const text = [
      'int one(void);',
      'struct two;',
      'struct two {',
      '\tint three;',
      '};',
      'typedef struct two four;',
      'extern int five;',
      '#define SIX(name) \\',
      'int name(void) {}',
      '/*',
      'int seven(void) {}',
      '*/',
      '// int eight;',
      'EXPORT_SYMBOL_GPL(one);',
      'DECLARE_CONTEXT(CONTEXT, nine)',
      '',
      'static void ten(void)',
      '{',
      '\tlog("(");',
      '}',
    ]
    expect(shared(...text)).toEqual([])
  })
})

describe('usesOf', () => {
  it('finds names as whole words, also in macros, not members, comments, texts and includes', () => {
    const text = [
      '#include <six.h>',
      '#define ONE(a) two(a)',
      'x = y->three + z.four; /* five */ // five',
      'log("seven \\" seven", \'"\', eight);',
    ]
    expect([...usesOf(text.join('\n'))].sort()).toEqual(
      ['ONE', 'a', 'define', 'eight', 'log', 'two', 'x', 'y', 'z'].sort(),
    )
  })
})

describe('callsIn', () => {
  it('takes the C files of one directory, and says which uses what another defines', () => {
    const sources = new Map([
      ['d/a.c', 'int a(void)\n{\n\treturn b() + c;\n}\n'],
      ['d/b.c', 'int b(void)\n{\n\treturn c;\n}\n'],
      ['d/c.c', '/* a() */\nint c;\n'],
      ['d/e/f.c', 'int f(void)\n{\n\treturn a();\n}\n'],
      ['d/g.h', 'int a(void);\n'],
    ])
    expect(callsIn(sources, 'd')).toEqual(
      graph({ 'd/a.c': ['d/b.c', 'd/c.c'], 'd/b.c': ['d/c.c'], 'd/c.c': [] }),
    )
  })

  it('counts a table of functions as a use, and not a function of the same name of its own', () => {
    const sources = new Map([
      ['d/a.c', 'struct ops a = { .run = run };\n'],
      ['d/b.c', 'void run(void)\n{\n}\n'],
      ['d/c.c', 'static void run(void)\n{\n}\nvoid c(void)\n{\n\trun();\n}\n'],
    ])
    expect(callsIn(sources, 'd')).toEqual(graph({ 'd/a.c': ['d/b.c'], 'd/b.c': [], 'd/c.c': [] }))
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

  it.for(CALL_ONE_WAY)('of %s call in no circle', async (directory) => {
    expect(told(circlesIn(callsIn(await readSources(), directory)))).toEqual([])
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

  it.for([
    ['drivers/windows/alarm.c', 'void once_more(void) { share_end(NULL, 0, 0); }\n'],
    ['drivers/windows/ended.c', 'EVT_WDF_WORKITEM *once_more = share_reap;\n'],
  ] as const)('would call in one if %s used what stands above it', async ([path, line]) => {
    const sources = new Map(await readSources())
    sources.set(path, sources.get(path) + line)
    expect(circlesIn(callsIn(sources, 'drivers/windows')).flat()).toContain(path)
  })
})
