import { execFile } from 'node:child_process'
import { mkdtemp, open, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { makePorts, servePorts } from '../ports.ts'

const BYTES = (2 << 20) + 4096
const PORTS = [
  { name: 'stream', bytes: BYTES, returned: true },
  { name: 'endless' },
  { name: 'idle', bytes: 0 },
] as const

/** Sends back what comes, as a guest would, then does harm to it; resolves with what the bed says. */
async function relay(harm: (path: string) => Promise<unknown>): Promise<readonly string[]> {
  const parent = await mkdtemp(join(tmpdir(), 'pendshare-ports-'))
  try {
    const directory = join(parent, 'ports')
    await makePorts(directory, PORTS)
    const over = new AbortController()
    const served = servePorts(directory, PORTS, over.signal)
    const [from, to] = [join(directory, 'stream.in'), join(directory, 'stream.out')]
    await promisify(execFile)('sh', ['-c', 'head -c "$0" "$1" >"$2"', String(BYTES), from, to])
    await harm(to)
    over.abort()
    return await served
  } finally {
    await rm(parent, { recursive: true })
  }
}

test('a stream that came back whole is no problem', async () => {
  expect(await relay(async () => {})).toEqual([])
})

test('a stream that lacks its end is one', async () => {
  expect(await relay((path) => truncate(path, BYTES - 1))).toEqual([
    `port stream: ${BYTES - 1} bytes came back of ${BYTES}`,
  ])
})

test('and one of whose bytes another came back', async () => {
  const harm = async (path: string) => {
    await using file = await open(path, 'r+')
    await file.write(Buffer.of(0x55), 0, 1, BYTES - 9)
  }
  expect(await relay(harm)).toEqual([
    `port stream: what came back differs between bytes ${2 << 20} and ${BYTES}`,
  ])
})
