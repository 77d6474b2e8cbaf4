/** Findings on Linux about this user: the device node, the group. */
import { sudo } from './distribution.ts'
import { type Look, missing, type Result, ready, unknown } from './finding.ts'
import { containerOf } from './linux-system.ts'
import type { Machine, NodeStatus } from './machine.ts'

const DEVICE = '/dev/pendshare'
const GROUP = 'pendshare'
const MISC_MAJOR = 10
const RULE = 'KERNEL=="pendshare", SUBSYSTEM=="misc", GROUP="pendshare", MODE="0660"'

export const deviceNode: Look = {
  name: 'device',
  needs: ['loaded'],
  look(machine) {
    const minor = /^\s*(\d+) pendshare$/m.exec(machine.read('/proc/misc') ?? '')?.[1]
    const status = machine.status(DEVICE)
    if (status && isOurs(status, minor)) return ready(`${DEVICE} is there`)
    if (machine.probe?.usable) return ready(`${DEVICE} answers`)
    const detail = status ? `${DEVICE} is not the driver's` : `no ${DEVICE}, though the driver is loaded`
    if (containerOf(machine) !== undefined)
      return missing(`${detail}; start the container with --device ${DEVICE}`)
    if (minor === undefined) return unknown(`${detail}, and /proc/misc does not have it either`)
    const root = sudo(machine)
    return missing(
      detail,
      ...(status ? [`${root}rm ${DEVICE}`] : []),
      `${root}mknod -m 0660 ${DEVICE} c ${MISC_MAJOR} ${minor}`,
    )
  },
}

/** A node that was made by hand may name the device that had the number before. */
function isOurs({ characterDevice, major, minor }: NodeStatus, known: string | undefined): boolean {
  return characterDevice && major === MISC_MAJOR && (known === undefined || minor === Number(known))
}

export const group: Look = {
  name: 'group',
  needs: ['device'],
  look(machine) {
    const node = machine.status(DEVICE)
    if (machine.probe?.usable || machine.uid === 0) return ready(`this user may open ${DEVICE}`)
    if (node === undefined) return undefined
    if ((node.mode & 0o006) === 0o006) return ready('every user may open it')
    const known = groupOf(machine)
    if (containerOf(machine) !== undefined) return inContainer(machine, node)
    if (known?.gid !== node.gid || (node.mode & 0o060) !== 0o060) return ruleIsMissing(machine, known)
    return membership(machine, known)
  },
}

interface Group {
  readonly gid: number
  readonly members: readonly string[]
}

function groupOf(machine: Machine): Group | undefined {
  const fields = /^pendshare:[^:]*:(\d+):(.*)$/m.exec(machine.read('/etc/group') ?? '')
  if (!fields) return undefined
  return { gid: Number(fields[1]), members: (fields[2] ?? '').split(',') }
}

/** Groups of the host count by their numbers there. */
function inContainer({ groups }: Machine, { gid }: NodeStatus): Result {
  if (groups.includes(gid)) return ready(`this user is in group ${gid}`)
  return missing(
    `this user is not in group ${gid}, which has ${DEVICE}; start the container with --group-add ${gid}`,
  )
}

/** The node is put right at once, and by udev whenever it is made anew. */
function ruleIsMissing(machine: Machine, known: Group | undefined): Result {
  const root = sudo(machine)
  return missing(
    `${DEVICE} does not belong to the group ${GROUP}: the udev rule is not installed, or came later`,
    ...(known ? [] : [`${root}groupadd --system ${GROUP}`]),
    `echo '${RULE}' | ${root}tee /etc/udev/rules.d/70-pendshare.rules`,
    `${root}chgrp ${GROUP} ${DEVICE}`,
    `${root}chmod 0660 ${DEVICE}`,
  )
}

function membership(machine: Machine, { gid, members }: Group): Result {
  const { groups, user } = machine
  if (groups.includes(gid)) return ready(`this user is in the group ${GROUP}`)
  if (user !== undefined && members.includes(user))
    return missing(
      `this user is in the group ${GROUP}, but logged in before: log in again, or go on in a new shell`,
      `newgrp ${GROUP}`,
    )
  return missing(
    `this user is not in the group ${GROUP}; log in again after this`,
    `${sudo(machine)}usermod -aG ${GROUP} ${user ?? '$USER'}`,
  )
}
