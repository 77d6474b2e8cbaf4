/** `pendshare doctor` on Windows, in the order of doing. Its lines are for a shell with administrator rights. */
import { atLeast, binary, device, mock, node, permission } from './common.ts'
import { type Look, missing, note, ready } from './finding.ts'
import type { Machine } from './machine.ts'

const START = 'sc.exe start pendshare'
const INSTALL = 'pnputil /add-driver pendshare.inf /install'

const system: Look = {
  name: 'system',
  proven: true,
  look({ arch, release }) {
    if (!['x64', 'arm64'].includes(arch))
      return missing(`the driver is for x64 and ARM64, and Node runs as ${arch}`)
    if (!atLeast(release, '10.0'))
      return missing(`the driver is for Windows 10 and later, and this is ${release}`)
    return ready(`Windows ${release}, ${arch}`)
  },
}

function systemRoot({ env }: Machine): string {
  return env.SystemRoot ?? env.SYSTEMROOT ?? 'C:\\Windows'
}

/** In the driver store, where pnputil puts it, or where `sc.exe create` wants it. */
function isInstalled(machine: Machine): boolean {
  const directory = `${systemRoot(machine)}\\System32`
  const has = (where: string, pattern: RegExp) =>
    machine.list(`${directory}\\${where}`).some((name) => pattern.test(name))
  return has('DriverStore\\FileRepository', /^pendshare\.inf_/i) || has('drivers', /^pendshare\.sys$/i)
}

/** It is there for whoever may open it, and for whoever may not. */
function isRunning({ probe }: Machine): boolean {
  return probe !== undefined && (probe.usable || !MISSING.includes(probe.code))
}

/** Codes that say nothing of a running driver. */
const MISSING = ['ERR_PENDSHARE_NO_DRIVER', 'ERR_PENDSHARE_ADDON', 'ERR_PENDSHARE_ADDON_FORBIDDEN']

const driver: Look = {
  name: 'driver',
  look(machine) {
    if (isRunning(machine) || isInstalled(machine)) return ready('installed')
    return missing(
      'the driver is not installed; as an administrator, type this in the folder of its package',
      INSTALL,
    )
  },
}

const signing: Look = {
  name: 'signature',
  look(machine) {
    if (isRunning(machine)) return undefined
    return note(
      'Windows loads signed drivers only; a machine for tests takes test signatures after this and a restart, unless Secure Boot is on (docs/windows.md)',
      'bcdedit /set testsigning on',
    )
  },
}

const service: Look = {
  name: 'service',
  needs: ['binary', 'driver'],
  look(machine) {
    if (isRunning(machine)) return ready('the service pendshare runs')
    return missing('the service pendshare does not run; start it as an administrator', START)
  },
}

const access: Look = {
  name: 'access',
  needs: ['service'],
  look({ probe }) {
    if (probe?.usable === false && probe.code === 'ERR_PENDSHARE_PERMISSION')
      return missing(`${probe.detail}; ${probe.remedy}`, 'Start-Process powershell -Verb RunAs')
    return ready('this user may open it')
  },
}

/** The new package before the old driver is stopped: whoever has only the new one can go back by the old. */
const reload = () => [INSTALL, 'sc.exe stop pendshare', START]

export const windows: readonly Look[] = [
  node,
  permission,
  binary,
  system,
  driver,
  signing,
  service,
  access,
  device(['service', 'access'], reload),
  mock,
]
