/** The platforms that get a prebuilt addon, each in a package of its own in packages/prebuilt. */
import { join } from 'node:path'
import { ROOT } from '../pages.ts'

/**
 * What the binaries of Node 22 itself need (its BUILDING.md: glibc 2.28 and libstdc++ of GCC 8.3; of the latter the addon brings its own):
 * an addon that needed more would not load where Node runs.
 */
export const GLIBC_FLOOR = '2.28'

export interface Target {
  /** As `addonPlatform()` of @pendshare/native names it, and the directory of its package. */
  readonly name: string
  readonly backend: 'linux' | 'windows'
  /** Zig's name of it; absent: mingw builds it, as it does for the tests under Wine. */
  readonly zig?: string
  /** ELF's or PE's number of the processor. */
  readonly machine: number
}

export const X64 = 62
const ARM64 = 183

export const targets: readonly Target[] = [
  { name: 'linux-x64-gnu', backend: 'linux', zig: `x86_64-linux-gnu.${GLIBC_FLOOR}`, machine: X64 },
  { name: 'linux-arm64-gnu', backend: 'linux', zig: `aarch64-linux-gnu.${GLIBC_FLOOR}`, machine: ARM64 },
  { name: 'linux-x64-musl', backend: 'linux', zig: 'x86_64-linux-musl', machine: X64 },
  { name: 'linux-arm64-musl', backend: 'linux', zig: 'aarch64-linux-musl', machine: ARM64 },
  { name: 'win32-x64', backend: 'windows', machine: 0x8664 },
]

/** Where the package has its binary. */
export const binaryOf = ({ name }: Target): string => join(ROOT, 'packages/prebuilt', name, 'pendshare.node')
