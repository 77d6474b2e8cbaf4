/** The addon says what abi.h says, and loads in every Node that we promise. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { END_REASONS } from '@pendshare/core'
import { describe, expect, it } from 'vitest'
import { installNode, OTHER_NODES } from '../../../testbed/nodes.ts'
import { loadAddon } from '../src/addon.ts'
import { ADDON_PATH, built, unlessBuilt } from './built.ts'

const run = promisify(execFile)
const header = readFileSync(
  fileURLToPath(new URL('../../../drivers/include/pendshare/abi.h', import.meta.url)),
  'utf8',
)

/** A constant of abi.h, whether it is a macro or an enumerator. */
function inHeader(name: string): number {
  const value = new RegExp(`\\b${name}\\s*=?\\s*(\\d+)`).exec(header)?.[1]
  return Number(value)
}

describe.skipIf(!built)(`the addon${unlessBuilt}`, () => {
  it('exports the numbers of abi.h by their names', () => {
    const { abi } = loadAddon().addon
    expect(Object.keys(abi).length).toBeGreaterThan(15)
    for (const [name, value] of Object.entries(abi)) expect([name, value]).toEqual([name, inHeader(name)])
  })

  it('numbers the reasons in the order of the contract', () => {
    const { abi } = loadAddon().addon
    const numbers: Readonly<Record<string, number>> = abi
    const named = END_REASONS.map((reason) => numbers[`PENDSHARE_${reason.toUpperCase().replace('-', '_')}`])
    expect(named).toEqual(END_REASONS.map((_, i) => i + 1))
  })

  it('exports the errnos of this system', () => {
    const known: Readonly<Record<string, number>> = { ...constants.errno, ESHUTDOWN: 108 }
    for (const [name, value] of Object.entries(loadAddon().addon.status))
      expect([name, value]).toEqual([name, known[name]])
  })

  it('names every errno that abi.h documents', () => {
    const documented = new Set([...header.matchAll(/^ \* {3}(E[A-Z0-9]+)\t/gm)].map((match) => match[1]))
    expect(documented.size).toBeGreaterThan(10)
    expect(Object.keys(loadAddon().addon.status)).toEqual(expect.arrayContaining([...documented]))
  })

  it('tells where a view lies', () => {
    const { addressOf } = loadAddon().addon
    const pages = new Uint8Array(new SharedArrayBuffer(8192, { maxByteLength: 8192 }), 0, 8192)
    expect(addressOf(pages) % 4096n).toBe(0n)
    expect(addressOf(pages.subarray(4096)) - addressOf(pages)).toBe(4096n)
    const detached = new Uint8Array(16)
    structuredClone(detached.buffer, { transfer: [detached.buffer] })
    expect(addressOf(detached)).toBe(0n)
  })

  it('tells how much this process may lock', () => {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const soft = /^Max locked memory\s+(\S+)/m.exec(limits)?.[1]
    expect(loadAddon().addon.lockableBytes()).toBe(
      soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft),
    )
  })

  it('throws with the errno of a device that cannot be opened', () => {
    const { openDevice, status } = loadAddon().addon
    expect(() => openDevice('/nowhere', false, false)).toThrow(
      expect.objectContaining({ status: status.ENOENT }),
    )
  })

  it.for(OTHER_NODES)('loads in Node %s', { timeout: 300_000 }, async (version) => {
    const program = `
      const { abi, openDevice } = require(${JSON.stringify(ADDON_PATH)})
      let errno
      try { openDevice('/nowhere', true, false) } catch (error) { errno = error.status }
      const { Worker } = require('node:worker_threads')
      new Worker(${JSON.stringify(`require(${JSON.stringify(ADDON_PATH)})`)}, { eval: true })
        .on('exit', (code) => console.log(process.version, abi.PENDSHARE_ABI_VERSION, errno, code))`
    const { stdout } = await run(await installNode(version), ['-e', program])
    expect(stdout).toBe(`v${version} 1 2 0\n`)
  })
})
