/** The Windows addon, cross-built by mingw: what the bed tests, and what the prebuilt package has. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { mustRun } from '../command.ts'
import type { DebianPackage } from '../packages.ts'
import { ROOT } from '../pages.ts'

export const WINDOWS_ADDON_PACKAGES: readonly DebianPackage[] = [
  'cmake',
  'make',
  'gcc-mingw-w64-x86-64-posix',
  'g++-mingw-w64-x86-64-posix',
  'mingw-w64-tools',
]

const home = join(ROOT, 'packages/backend-windows')

/** Into `out`/Release, by the package's own CMakeLists.txt, as on Windows, but for the compiler. */
export async function buildWindowsAddon(out: string, linkerFlags = ''): Promise<void> {
  const settings = {
    PENDSHARE_WERROR: 'ON',
    CMAKE_TOOLCHAIN_FILE: join(import.meta.dirname, 'mingw.cmake'),
    CMAKE_JS_NODELIB_DEF: nodeApi().def_paths.node_api_def,
    CMAKE_SHARED_LINKER_FLAGS: linkerFlags,
  }
  const options = Object.entries(settings).map(([name, value]) => `--CD${name}=${value}`)
  const argv = ['node_modules/.bin/cmake-js', 'compile', '--out', out, ...options]
  await mustRun(argv, { cwd: home, progress: 'the addon for Windows' })
}

export interface NodeApiHeaders {
  readonly include_dir: string
  readonly def_paths: { readonly node_api_def: string }
}

/** The headers that cmake-js builds with. */
export function nodeApi(): NodeApiHeaders {
  const cmakeJs = createRequire(join(home, 'package.json')).resolve('cmake-js/package.json')
  return createRequire(cmakeJs)('node-api-headers')
}
