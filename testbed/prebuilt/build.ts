/** `npm run build:prebuilt`: the addon for every platform, cross-built into the packages of packages/prebuilt. */
import { copyFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Argument, Command } from 'commander'
import { ensurePackages } from '../apt.ts'
import { withLock } from '../cache.ts'
import { mustRun } from '../command.ts'
import { ROOT } from '../pages.ts'
import { buildWindowsAddon, WINDOWS_ADDON_PACKAGES } from '../windows-wine/addon.ts'
import { binaryOf, type Target, targets } from './targets.ts'
import { zigCompiler } from './zig.ts'

/** Quick for those whose sources have not changed. Rejects with MissingPackages when cmake is missing and may not be installed. */
export async function buildPrebuilt(wanted: readonly Target[] = targets): Promise<void> {
  await ensurePackages(['cmake', 'make', ...WINDOWS_ADDON_PACKAGES])
  for (const target of wanted) {
    const home = join(ROOT, `packages/backend-${target.backend}`)
    const out = join(home, 'build', target.name)
    const built = join(out, `Release/pendshare_${target.backend}.node`)
    await withLock(out, async () => {
      if (target.zig === undefined) await buildWindowsAddon(out, '-s')
      else await buildLinux(home, out, target.name, target.zig)
      await copyFile(built, binaryOf(target))
    })
    console.log(`build: ${target.name}, ${(await stat(binaryOf(target))).size} bytes`)
  }
}

async function buildLinux(home: string, out: string, name: string, zig: string): Promise<void> {
  const settings = {
    PENDSHARE_WERROR: 'ON',
    CMAKE_SYSTEM_NAME: 'Linux',
    CMAKE_SYSTEM_PROCESSOR: zig.split('-')[0],
    CMAKE_CXX_COMPILER: await zigCompiler(zig),
  }
  const options = Object.entries(settings).map(([key, value]) => `--CD${key}=${value}`)
  const argv = ['node_modules/.bin/cmake-js', 'compile', '--out', out, ...options]
  await mustRun(argv, { cwd: home, progress: name })
}

if (import.meta.main) {
  const names = targets.map(({ name }) => name)
  const command = new Command('build:prebuilt')
    .description('cross-build the native addon into the packages of packages/prebuilt')
    .addArgument(new Argument('[platform...]', 'which; default: all').choices(names).argOptional())
    .parse()
  const wanted = targets.filter(({ name }) => command.args.length === 0 || command.args.includes(name))
  try {
    await buildPrebuilt(wanted)
  } catch (error) {
    console.error(`build:prebuilt: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
}
