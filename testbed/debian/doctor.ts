/**
 * What `pendshare doctor` finds on the way to an installed module is made true in a root, and mended by typing what it says. The
 * kernels that the root is told of do not run: what begins with a loaded module has a guest (packages/pendshare/test/vm).
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checks } from '../pack/checks.ts'
import { type Machine, PACKAGES } from './machine.ts'

interface Report {
  readonly exitCode: number
  readonly findings: readonly Finding[]
}

interface Finding {
  readonly name: string
  readonly state: 'ready' | 'missing' | 'unknown' | 'note'
  readonly detail: string
  readonly fix?: readonly string[]
}

/** `project` has the library, `packages` the driver's of `version`; neither they nor the headers of `release` are installed. */
export interface Patient {
  readonly project: string
  readonly packages: string
  readonly version: string
  readonly release: string
}

export async function checkDoctor(checks: Checks, machine: Machine, patient: Patient): Promise<void> {
  const { release, version } = patient
  const ask = (before = ':') => consult(machine, patient.project, before)
  const type = async ({ fix = [] }: Finding) => {
    for (const line of fix) await machine.type(line, { cwd: patient.packages })
  }

  await checks.check('doctor: the kernel is too old, and a newer one is not', async () => {
    await machine.play('5.10.0-35-amd64')
    assert.match(found(await ask(), 'kernel', 'missing').detail, /5\.10\.0-35-amd64 is older than 6\.1/)
    await machine.play(release)
    found(await ask(), 'kernel', 'ready')
  })
  await checks.check('doctor: WSL 1 has no kernel, and WSL 2 no headers', async () => {
    const wsl = async (release: string) => {
      const file = join(PACKAGES, 'version')
      await writeFile(join(machine.root, file), `Linux version ${release} (oe-user@oe-host)\n`)
      await machine.play(release)
      return ask(`mount --bind ${file} /proc/version`)
    }
    found(await wsl('4.4.0-19041-Microsoft'), 'wsl', 'missing')
    const second = await wsl('6.6.87.2-microsoft-standard-WSL2')
    found(second, 'wsl', 'note')
    assert.equal(
      second.findings.find(({ name }) => name === 'headers'),
      undefined,
    )
    await machine.play(release)
  })
  await checks.check('doctor: there are no headers; the line installs them', async () => {
    await machine.run('apt-get', 'update')
    const report = await ask()
    assert.deepEqual(missing(report), ['headers', 'driver'])
    await type(found(report, 'headers', 'missing'))
    found(await ask(), 'headers', 'ready')
  })
  await checks.check('doctor: there is no driver; the line installs both packages', async () => {
    const report = await ask()
    assert.deepEqual(missing(report), ['driver'])
    await type(found(report, 'driver', 'missing'))
    // To which the kernel would have to run.
    assert.deepEqual(missing(await ask()), ['loaded'])
  })
  await checks.check('doctor: DKMS has not built the driver; the line does', async () => {
    await machine.run('dkms', 'uninstall', '-m', 'pendshare', '-v', version, '-k', release)
    const report = await ask()
    assert.deepEqual(missing(report), ['driver'])
    await type(found(report, 'driver', 'missing'))
    assert.deepEqual(missing(await ask()), ['loaded'])
  })
}

/** It ends with 1 as long as something is missing. */
async function consult(machine: Machine, project: string, before: string): Promise<Report> {
  const doctor = 'node_modules/.bin/pendshare doctor --json || [ $? -eq 1 ]'
  const { stdout } = await machine.type(`${before} && { ${doctor}; }`, { cwd: project })
  return JSON.parse(stdout)
}

function missing({ findings }: Report): string[] {
  return findings.filter(({ state }) => state === 'missing').map(({ name }) => name)
}

function found({ findings }: Report, name: string, state: Finding['state']): Finding {
  const finding = findings.find((each) => each.name === name)
  assert.equal(finding?.state, state, finding?.detail ?? `nothing of '${name}'`)
  return finding as Finding
}
