/** Findings on Linux that lead to a loaded driver: headers, the module, its signature, loading. */
import { installDriver, installHeaders, installProgram, sudo, whereToInstall } from './distribution.ts'
import { type Look, missing, note, type Result, ready } from './finding.ts'
import { containerOf, isWsl } from './linux-system.ts'
import type { Machine } from './machine.ts'

const LOADED = '/sys/module/pendshare'
const DKMS = '/var/lib/dkms/pendshare'

export function isLoaded(machine: Machine): boolean {
  return machine.list(LOADED).length > 0
}

function isInstalled(machine: Machine): boolean {
  return /\/pendshare\.ko(\.\w+)?:/m.test(machine.read(`/lib/modules/${machine.release}/modules.dep`) ?? '')
}

/** In a container they are the host's, and WSL has none. */
export const headers: Look = {
  name: 'headers',
  proven: true,
  look(machine) {
    if (isWsl(machine) || containerOf(machine) !== undefined) return undefined
    const build = `/lib/modules/${machine.release}/build`
    if (machine.read(`${build}/Makefile`) !== undefined) return ready(`${build} is there`)
    const detail = `no ${build}: the driver is built with the headers of the running kernel`
    if (!isLoaded(machine) && !isInstalled(machine)) return missing(detail, ...installHeaders(machine))
    return note(`${detail}, when it is built anew`, ...installHeaders(machine))
  },
}

export const driver: Look = {
  name: 'driver',
  look(machine) {
    if (isLoaded(machine)) return ready('installed, or at least loaded')
    if (isInstalled(machine)) return ready(`installed for ${machine.release}`)
    if (containerOf(machine) !== undefined) return missing('the host has not loaded it; run doctor there')
    const [version] = machine.list(DKMS).filter((name) => /^\d/.test(name))
    if (version !== undefined) {
      const build = `${sudo(machine)}dkms install -m pendshare -v ${version} -k ${machine.release}`
      return missing(`DKMS has its sources, and has not built it for ${machine.release}`, build)
    }
    return missing(
      `not installed for ${machine.release}; type this ${whereToInstall(machine)}`,
      ...installDriver(machine),
    )
  },
}

const FIRMWARE = '/sys/firmware/efi'
const EFI_VARIABLES = `${FIRMWARE}/efivars`
const SECURE_BOOT = `${EFI_VARIABLES}/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c`
const SHIM = '605dab50-e046-4300-abb6-3dd810dd8b23'
/** DKMS's own, and Ubuntu's. */
const CERTIFICATES = ['/var/lib/dkms/mok.pub', '/var/lib/shim-signed/mok/MOK.der']

/** What makes the kernel refuse modules that no key of its signed. */
function enforcers(machine: Machine): string[] {
  const lockdown = /\[(integrity|confidentiality)\]/.exec(machine.read('/sys/kernel/security/lockdown') ?? '')
  return [
    ...(secureBoot(machine) ? ['Secure Boot'] : []),
    ...(lockdown ? [`lockdown (${lockdown[1]})`] : []),
    ...(machine.read('/sys/module/module/parameters/sig_enforce')?.startsWith('Y')
      ? ['module.sig_enforce']
      : []),
  ]
}

/** Not where shim was told to validate nothing (`mokutil --disable-validation`): the firmware's variable stays as it is then. */
function secureBoot(machine: Machine): boolean {
  return isSet(machine, SECURE_BOOT) && !isSet(machine, `${EFI_VARIABLES}/MokSBStateRT-${SHIM}`)
}

/** The first four bytes of a variable are its attributes. */
function isSet(machine: Machine, variable: string): boolean {
  return machine.readBytes(variable)?.[4] === 1
}

export const signature: Look = {
  name: 'signature',
  needs: ['driver'],
  proven: true,
  look(machine) {
    if (isLoaded(machine)) return ready('the kernel has taken the module')
    const by = enforcers(machine)
    if (by.length === 0) return ready('none is asked for: no Secure Boot, no lockdown')
    const reason = `${by.join(' and ')} wants it signed by a key that this machine knows`
    return secureBoot(machine) ? enrolment(machine, reason) : withoutShim(machine, reason)
  },
}

function enrolment(machine: Machine, reason: string): Result {
  const root = sudo(machine)
  const path = CERTIFICATES.find((each) => machine.readBytes(each) !== undefined)
  if (path === undefined)
    return missing(
      `${reason}, and DKMS has none; it makes one when it builds, or sign as drivers/linux/README.md says`,
      ...installProgram(machine, 'openssl'),
      ...rebuild(machine),
    )
  if (machine.readBytes(`${EFI_VARIABLES}/MokNew-${SHIM}`))
    return missing(`${reason}: ${path} waits to be enrolled at the next start`, `${root}reboot`)
  if (!isEnrolled(machine, path))
    return missing(
      `${reason}: choose a password for ${path}, and enrol it at the next start by that`,
      ...installProgram(machine, 'mokutil'),
      `${root}mokutil --import ${path}`,
      `${root}reboot`,
    )
  if (machine.moduleField('signer') !== '') return ready(`${path} is enrolled`)
  return missing(`${reason}: ${path} is enrolled, but the module was built without it`, ...rebuild(machine))
}

/** DKMS signs what it builds. To install alone, by force too, takes what was built before. */
function rebuild(machine: Machine): readonly string[] {
  const version = machine.moduleField('version') ?? machine.version
  const module = `--force -m pendshare -v ${version} -k ${machine.release}`
  return ['build', 'install'].map((action) => `${sudo(machine)}dkms ${action} ${module}`)
}

/** shim mirrors its list of keys, with the certificates in it as they are. */
function isEnrolled(machine: Machine, path: string): boolean {
  const certificate = machine.readBytes(path)
  return machine
    .list(EFI_VARIABLES)
    .filter((name) => /^MokListRT\d*-/.test(name))
    .some((name) => certificate && includes(machine.readBytes(`${EFI_VARIABLES}/${name}`), certificate))
}

function includes(list: Uint8Array | undefined, part: Uint8Array): boolean {
  return list !== undefined && part.length > 0 && Buffer.from(list).includes(Buffer.from(part))
}

/** Without shim no key can be added; whoever started the kernel so has to start it otherwise. */
function withoutShim(machine: Machine, reason: string): Result {
  if (machine.list(FIRMWARE).length > 0 && machine.list(EFI_VARIABLES).length === 0)
    return missing(
      `${reason}; whether Secure Boot does, is to be seen in the firmware's variables`,
      `${sudo(machine)}mount -t efivarfs efivarfs ${EFI_VARIABLES}`,
    )
  if (/\b(lockdown=|module\.sig_enforce)/.test(machine.read('/proc/cmdline') ?? ''))
    return missing(
      `${reason}; take lockdown= and module.sig_enforce from the kernel's command line, and restart`,
    )
  return missing(`${reason}, and it was asked for after the start; restart`, `${sudo(machine)}reboot`)
}

export const loaded: Look = {
  name: 'loaded',
  needs: ['driver', 'signature'],
  look(machine) {
    const version = machine.read(`${LOADED}/version`)?.trim()
    if (isLoaded(machine)) return ready(version === undefined ? 'loaded' : `version ${version} is loaded`)
    return missing('the driver is not loaded', `${sudo(machine)}modprobe pendshare`)
  },
}

/** For a driver of another ABI: one of this release first, unless that is what is installed. */
export function reload(machine: Machine): readonly string[] {
  const root = sudo(machine)
  const install = machine.moduleField('version') === machine.version ? [] : installDriver(machine)
  return [...install, `${root}modprobe -r pendshare`, `${root}modprobe pendshare`]
}
