/** The installed command and the prebuilt addon on Windows' own Node, under Wine: what doctor finds there, and its lines typed. */
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRun } from '../command.ts'
import { withArtifacts } from '../windows-wine/test.ts'
import { Wine } from '../windows-wine/wine.ts'
import type { Checks } from './checks.ts'
import type { Project } from './project.ts'
import type { Tarball } from './tarballs.ts'

const ADDON = '@pendshare/win32-x64'
const LIMIT_S = 60

interface Finding {
  readonly name: string
  readonly state: string
  readonly detail: string
  readonly fix?: readonly string[]
}

export async function checkWindows(
  checks: Checks,
  project: Project,
  tarballs: readonly Tarball[],
): Promise<void> {
  // What npm installs on Windows.
  const packed = tarballs.find(({ manifest }) => manifest.name === ADDON)
  assert.ok(packed)
  await mkdir(project.home(ADDON), { recursive: true })
  await mustRun(['tar', '-xzf', packed.path, '--strip-components=1', '-C', project.home(ADDON)])
  await withArtifacts(async ({ node, drivers }) => {
    const wine = await Wine.create()
    try {
      await wine.hold([node, '-e', 'setInterval(() => {}, 1000)'])
      await checkDoctor(checks, project, wine, node, drivers)
    } finally {
      await wine.destroy()
    }
  })
}

async function checkDoctor(
  checks: Checks,
  project: Project,
  wine: Wine,
  node: string,
  drivers: readonly string[],
): Promise<void> {
  const command = join(project.home('pendshare'), 'bin/pendshare.js')
  const doctor = async (): Promise<readonly Finding[]> => {
    const { stdout, stderr } = await wine.run('doctor', [node, command, 'doctor', '--json'], LIMIT_S)
    assert.ok(stdout.startsWith('{'), stdout + stderr)
    return JSON.parse(stdout).findings
  }
  const type = async (line: string) => {
    const { exitCode, stdout, stderr } = await wine.run('cmd', ['cmd', '/c', line], LIMIT_S)
    assert.equal(exitCode, 0, `${line}: ${stdout}${stderr}`)
  }

  await checks.check(`windows: ${ADDON} is loaded, and doctor misses the driver`, async () => {
    const findings = await doctor()
    assert.match(detailOf(findings, 'binary'), /^prebuilt: .*win32-x64/)
    assert.deepEqual(missing(findings), ['driver'])
  })
  await checks.check('windows: doctor misses the service, and its line starts it', async () => {
    // Wine has no pnputil; docs/windows.md has this way too.
    await wine.install(drivers)
    await type(
      'sc.exe create pendshare type= kernel start= demand binPath= C:\\windows\\system32\\drivers\\pendshare.sys',
    )
    const findings = await doctor()
    assert.deepEqual(missing(findings), ['service'])
    const [line = ''] = findings.find(({ name }) => name === 'service')?.fix ?? []
    await type(line)
    assert.deepEqual(missing(await doctor()), [])
  })
}

function missing(findings: readonly Finding[]): string[] {
  return findings.filter(({ state }) => state === 'missing').map(({ name }) => name)
}

function detailOf(findings: readonly Finding[], name: string): string {
  return findings.find((finding) => finding.name === name)?.detail ?? `nothing of ${name}`
}
