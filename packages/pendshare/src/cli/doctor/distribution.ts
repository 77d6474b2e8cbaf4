/** How this distribution installs what is missing. */
import type { Machine } from './machine.ts'

type Family = 'debian' | 'fedora' | 'arch' | 'suse' | 'other'

const FAMILIES: Readonly<Record<string, Family>> = {
  debian: 'debian',
  ubuntu: 'debian',
  fedora: 'fedora',
  rhel: 'fedora',
  centos: 'fedora',
  arch: 'arch',
  suse: 'suse',
  opensuse: 'suse',
}

export function familyOf(machine: Machine): Family {
  const text = machine.read('/etc/os-release') ?? machine.read('/usr/lib/os-release') ?? ''
  const field = (name: string) => new RegExp(`^${name}=["']?(.*?)["']?$`, 'm').exec(text)?.[1] ?? ''
  const names = `${field('ID')} ${field('ID_LIKE')}`.split(' ')
  return names.map((name) => FAMILIES[name]).find((family) => family !== undefined) ?? 'other'
}

/** Root types a line as it is, also where there is no sudo. */
export function sudo({ uid }: Machine): string {
  return uid === 0 ? '' : 'sudo '
}

const INSTALL: Readonly<Partial<Record<Family, string>>> = {
  debian: 'apt-get install -y',
  fedora: 'dnf install -y',
  arch: 'pacman -S --noconfirm',
  suse: 'zypper install -y',
}

const HEADERS: Readonly<Partial<Record<Family, string>>> = {
  debian: 'linux-headers-$(uname -r)',
  fedora: 'kernel-devel-$(uname -r)',
  arch: 'linux-headers',
  suse: 'kernel-default-devel',
}

function install(machine: Machine, name: string | undefined): readonly string[] {
  const command = INSTALL[familyOf(machine)]
  return command === undefined || name === undefined ? [] : [`${sudo(machine)}${command} ${name}`]
}

export function installHeaders(machine: Machine): readonly string[] {
  return install(machine, HEADERS[familyOf(machine)])
}

/** Nothing where it is there. `name`: of a program whose package is named like it everywhere. */
export function installProgram(machine: Machine, name: string): readonly string[] {
  return machine.list('/usr/bin').includes(name) ? [] : install(machine, name)
}

/** Packages of this release on Debian and its kin; elsewhere its sources. */
export function installDriver(machine: Machine): readonly string[] {
  const root = sudo(machine)
  if (familyOf(machine) === 'debian') {
    const files = ['udev', 'dkms'].map((part) => `./pendshare-${part}_${machine.version}_all.deb`)
    return [`${root}apt-get install -y ${files.join(' ')}`]
  }
  return ['make -C drivers/linux', `${root}make -C drivers/linux install`]
}

/** Where those lines are to be typed. */
export function whereToInstall(machine: Machine): string {
  return familyOf(machine) === 'debian'
    ? 'where the packages of this release lie'
    : "in a checkout of this release's sources"
}
