/** What a backend's author hands to the suite: how to open it, what it supports, what only the environment can do. */
import type { Backend, Device, Supports } from '@pendshare/core'

/** Wraps a backend so that the suite sees each call and each event of it. Changes nothing. */
export type Watch = (backend: Backend) => Backend

/** What only the environment can do or know. Without a hook, the laws that need it are skipped by name. */
export interface Hooks {
  /** As an administrator, take the device away from everyone who has it open. */
  remove?(): void | Promise<void>
  /** As an administrator, ask all memory back within `graceMs`. */
  recall?(graceMs: number): void | Promise<void>
  /** Pages pinned in the whole driver, counted without the backend. */
  pinnedPages?(): number | Promise<number>
  /** There is one driver for all processes and threads, so that `pinnedPages()` counts those of all. */
  readonly systemWide?: true
  /** Pages that this process may pin at most. */
  readonly memlockPages?: number
  /** The driver sees where in memory a buffer lies, and so what is off a page boundary. */
  readonly addresses?: true
}

/** The test functions of `vitest` or `node:test`; `after` is `afterAll` in vitest. */
export interface Runner {
  describe(name: string, body: () => void): unknown
  readonly it: {
    (name: string, options: { timeout: number }, body: () => Promise<void>): unknown
    skip(name: string, body: () => void): unknown
  }
  after(body: () => Promise<void>): unknown
}

export interface Subject {
  readonly name: string
  /** Opens a fresh device: `open: (watch) => open({ backend: watch(mine) })`. */
  open(watch: Watch): Promise<Device>
  /** Has to equal `device.supports`; the laws of what is `false` are skipped by name. */
  readonly supports: Supports
  /** Built-in peers that the driver has. Default: fill, echo, clock, blast, capture and loopback. */
  readonly peers?: readonly string[]
  readonly hooks?: Hooks
  /** A module that exports `open` as above, for the laws that need child processes of their own. */
  readonly fixture?: URL
  /** Why nothing can be shown here, such as a driver that is not loaded. Skips every law by name. */
  readonly skip?: string | undefined
  /** Rounds of the race between release and cancel. Default 1000. */
  readonly rounds?: number
  /** Random command sequences. Default 50. */
  readonly runs?: number
  /** Milliseconds after which a single step counts as hung. Default 30,000. */
  readonly watchdogMs?: number
}

export type Need =
  | keyof Supports
  | 'remove'
  | 'recall'
  | 'pinnedPages'
  | 'memlockPages'
  | 'systemWide'
  | 'addresses'
  | 'fixture'
  | 'procfs'
  | `peer ${'fill' | 'echo' | 'clock' | 'blast' | 'capture' | 'loopback'}`

const BUILT_IN = ['fill', 'echo', 'clock', 'blast', 'capture', 'loopback']

export function peersOf(subject: Subject): readonly string[] {
  return subject.peers ?? BUILT_IN
}

/** Why a law cannot be shown on this subject, or undefined when it can. */
export function missing(subject: Subject, needs: readonly Need[]): string | undefined {
  if (subject.skip !== undefined) return subject.skip
  const absent = needs.find((need) => !has(subject, need))
  return absent === undefined ? undefined : `needs ${absent}`
}

function has(subject: Subject, need: Need): boolean {
  switch (need) {
    case 'remove':
    case 'recall':
    case 'pinnedPages':
    case 'memlockPages':
    case 'systemWide':
    case 'addresses':
      return subject.hooks?.[need] !== undefined
    case 'fixture':
      return subject.fixture !== undefined
    case 'procfs':
      return process.platform === 'linux'
    case 'memlock':
    case 'deadline':
    case 'removal':
    case 'ownerExit':
    case 'event':
    case 'liveMemory':
      return subject.supports[need]
    default:
      return peersOf(subject).includes(need.slice('peer '.length))
  }
}
