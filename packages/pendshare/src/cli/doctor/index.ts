/** `pendshare doctor`: is this machine ready, and what to type if it is not. Opens no device but to ask who it is. */

import { mock, node } from './common.ts'
import { examine, exitCodeOf, type Look, missing } from './finding.ts'
import { linux } from './linux.ts'
import type { Machine } from './machine.ts'
import { report, verdictOf } from './print.ts'
import { thisMachine } from './this-machine.ts'
import { windows } from './windows.ts'

/** What a first stream needs with room to spare: a ring of 1 MiB. */
export const FIRST_STREAM_BYTES = 1 << 20

export async function doctor({ json, bytes }: { json?: true; bytes: number }): Promise<void> {
  const machine = await thisMachine(bytes)
  const findings = examine(looksFor(machine.platform), machine)
  // Before anything is printed, which may end the process.
  const exitCode = exitCodeOf(findings)
  process.exitCode = exitCode
  if (!json) return console.log(report(findings, exitCode))
  const { platform, arch, release } = machine
  const told = {
    verdict: verdictOf(exitCode),
    exitCode,
    platform,
    arch,
    release,
    node: machine.node,
    bytes,
    findings,
  }
  console.log(JSON.stringify(told, undefined, 2))
}

/** Only what concerns this system. */
export function looksFor(platform: Machine['platform']): readonly Look[] {
  if (platform === 'linux') return linux
  if (platform === 'win32') return windows
  const system: Look = { name: 'system', look: () => missing(`there is no driver for ${platform}`) }
  return [node, system, mock]
}
