/** What a prebuilt addon asks of the machine that it is for. Read by binutils, which know every processor's ELF. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { mustRun, run } from '../command.ts'
import { ROOT } from '../pages.ts'
import { GLIBC_FLOOR, type Target, X64 } from '../prebuilt/targets.ts'
import { checkDll } from './addon.ts'
import type { Checks } from './checks.ts'

/** musl's, where Debian's package of that name puts it: libc and dynamic linker in one. */
const MUSL = '/lib/ld-musl-x86_64.so.1'

/** Memory of an addon's own as an ArrayBuffer: Electron, whose heap is a cage, refuses it. */
const EXTERNAL = /^(napi|node_api)_create_external_(arraybuffer|buffer|string)/

/** What Node finds in it. */
const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1']

interface Symbols {
  readonly needed: readonly string[]
  readonly exported: readonly string[]
  /** With the version that each wants, as in `dlopen@GLIBC_2.2.5`. */
  readonly undefined: readonly string[]
  readonly weak: readonly string[]
}

export async function checkBinary(checks: Checks, target: Target, path: string): Promise<void> {
  if (target.backend === 'windows') {
    await checks.check(`${target.name}: a DLL that Node can load`, () => checkDll(path))
    return
  }
  const symbols = await readSymbols(path)
  const others = symbols.undefined.filter((name) => !isNodes(name))
  await checks.check(`${target.name}: for its processor`, async () => {
    const { stdout } = await mustRun(['readelf', '--file-header', path])
    assert.match(stdout, target.machine === X64 ? /X86-64/ : /AArch64/)
  })
  await checks.check(`${target.name}: exports what Node asks for, and nothing else`, () =>
    assert.deepEqual([...symbols.exported].sort(), EXPORTS),
  )
  await checks.check(`${target.name}: needs no more of Node-API than version 8, and libuv only weakly`, () =>
    checkNodes(symbols),
  )
  await checks.check(`${target.name}: lends no memory of its own to JavaScript, which Electron refuses`, () =>
    assert.deepEqual(
      symbols.undefined.filter((name) => EXTERNAL.test(name)),
      [],
    ),
  )
  if (target.name.endsWith('-gnu'))
    await checks.check(`${target.name}: runs with glibc ${GLIBC_FLOOR}`, () => checkGlibc(symbols, others))
  else
    await checks.check(`${target.name}: finds all in musl`, () =>
      checkMusl(symbols, others, target.machine === X64 ? path : undefined),
    )
}

async function readSymbols(path: string): Promise<Symbols> {
  const { stdout: dynamic } = await mustRun(['readelf', '--dynamic', '--wide', path])
  const { stdout: table } = await mustRun(['readelf', '--dyn-syms', '--wide', path])
  const rows = table.split('\n').flatMap((line) => {
    // Num: Value Size Type Bind Vis Ndx Name [(version's number)]
    const [, , , , bind = '', , index = '', name] = line.trim().split(/\s+/)
    return name === undefined || !/^\d+:/.test(line.trim()) ? [] : [{ bind, index, name }]
  })
  const missing = rows.filter(({ index }) => index === 'UND')
  return {
    needed: [...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name = '']) => name),
    exported: rows.filter(({ index }) => index !== 'UND' && index !== 'ABS').map(({ name }) => name),
    undefined: missing.filter(({ bind }) => bind === 'GLOBAL').map(({ name }) => name),
    weak: missing.filter(({ bind }) => bind === 'WEAK').map(({ name }) => name),
  }
}

const isNodes = (name: string) => /^(napi|node_api|uv)_/.test(name)

function checkNodes({ undefined: wanted }: Symbols): void {
  const require = createRequire(join(ROOT, 'packages/backend-linux/package.json'))
  const headers = createRequire(require.resolve('cmake-js/package.json'))('node-api-headers')
  const { js_native_api_symbols: js, node_api_symbols: node } = headers.symbols.v8
  const known = new Set<string>([...js, ...node])
  assert.deepEqual(
    wanted.filter((name) => isNodes(name) && !known.has(name)),
    [],
  )
}

function checkGlibc({ needed }: Symbols, others: readonly string[]): void {
  const foreign = needed.filter((name) => !/^(ld-linux.*|lib(c|m|dl|pthread|rt))\.so\.\d$/.test(name))
  assert.deepEqual(foreign, [])
  const floor = GLIBC_FLOOR.split('.').map(Number)
  for (const name of others) {
    const version = /@GLIBC_([\d.]+)$/.exec(name)?.[1]?.split('.').map(Number)
    assert.ok(version, `${name} is not of glibc`)
    const [major = 0, minor = 0] = version
    assert.ok(major < (floor[0] ?? 0) || minor <= (floor[1] ?? 0), `${name} is newer than ${GLIBC_FLOOR}`)
  }
}

/** By the symbols of x64's musl, which are the same on both processors; on this one its own loader has to find them too. */
async function checkMusl({ needed }: Symbols, others: readonly string[], path?: string): Promise<void> {
  assert.deepEqual(needed, ['libc.so'])
  const { exported } = await readSymbols(MUSL)
  assert.deepEqual(
    others.filter((name) => !exported.includes(name)),
    [],
  )
  if (path === undefined) return
  const { output } = await run([MUSL, '--list', path])
  const missing = [...output.matchAll(/^Error relocating .*: (\S+): symbol not found$/gm)].map(
    ([, name = '']) => name,
  )
  assert.ok(missing.length > 0, output) // Node's, which is not there
  assert.deepEqual(
    missing.filter((name) => !isNodes(name)),
    [],
  )
}
