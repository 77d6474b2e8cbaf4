/** Findings that are the same on every system. */
import { PendshareError, type Probe } from '@pendshare/core'
import { type Look, missing, note, PERMISSION, type Result, ready, unknown } from './finding.ts'
import { type Machine, rerun } from './machine.ts'

/** bin/pendshare.js tells those that are too old to get here. */
export const node: Look = {
  name: 'node',
  look: ({ node, oldestNode }) =>
    atLeast(node, oldestNode)
      ? ready(`Node.js ${node}`)
      : missing(
          `Node.js ${node} is older than ${oldestNode}; install a newer one from https://nodejs.org, or with nvm`,
          'nvm install --lts',
        ),
}

/** Compares dotted numbers; what follows them does not count. */
export function atLeast(version: string, oldest: string): boolean {
  const [a, b] = [version, oldest].map((text) =>
    (text.match(/^\d+(\.\d+)*/)?.[0] ?? '').split('.').map(Number),
  )
  for (const [index, want] of (b ?? []).entries()) {
    const have = a?.[index] ?? 0
    if (have !== want) return have > want
  }
  return true
}

/** Where all can be read that has to be, though not everything, a device that answers proves it. */
export const permission: Look = {
  name: PERMISSION,
  proven: true,
  look: (machine) =>
    machine.permission?.read === false
      ? unknown('Node runs with --permission and may not read what is looked at here', rerun(machine))
      : undefined,
}

export const binary: Look = {
  name: 'binary',
  look(machine) {
    try {
      const { kind, path } = machine.loadAddon()
      return ready(`${kind === 'built' ? 'built here' : kind}: ${path}`)
    } catch (error) {
      if (!(error instanceof PendshareError)) throw error
      if (error.code === 'ERR_PENDSHARE_ADDON_FORBIDDEN') return missing(error.message, rerun(machine))
      return missing(error.message, ...commandsIn(error.message))
    }
  },
}

/** What stands in backticks in a message of ours is to be typed, in this order; the first way where there are several. */
function commandsIn(message: string): string[] {
  const [first = ''] = message.split('; or ')
  return [...first.matchAll(/`([^`]+)`/g)].map(([, command = '']) => command)
}

export const mock: Look = {
  name: 'mock',
  look: ({ probe }) =>
    probe?.usable ? undefined : note("to develop without a driver: open({ backend: 'mock' })"),
}

/** The final word: what the backend says when it opens the device. `reload`: how this system replaces its driver. */
export function device(needs: readonly string[], reload: (machine: Machine) => readonly string[]): Look {
  return { name: 'answer', needs: ['binary', ...needs], look: (machine) => answer(machine, reload) }
}

function answer(machine: Machine, reload: (machine: Machine) => readonly string[]): Result {
  const { probe } = machine
  if (probe === undefined) return unknown('there is no backend to ask')
  if (probe.usable) return ready(probe.detail)
  const sentence = `${probe.detail}; ${probe.remedy}`
  if (probe.code === 'ERR_PENDSHARE_ABI_MISMATCH') return missing(sentence, ...reload(machine))
  if (CLEAR.includes(probe.code)) return missing(sentence, ...commandsIn(probe.remedy))
  return unknown(sentence)
}

/** Codes of a probe that leave no doubt. */
const CLEAR: readonly Extract<Probe, { usable: false }>['code'][] = [
  'ERR_PENDSHARE_NO_DRIVER',
  'ERR_PENDSHARE_PERMISSION',
  'ERR_PENDSHARE_ADDON',
  'ERR_PENDSHARE_ADDON_FORBIDDEN',
]
