import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../command.ts'
import { inRoot } from '../root.ts'

/** What a program needs that is linked dynamically. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib64', '/dev']

it.skipIf(process.getuid?.() !== 0)('makes a root inside of a root (needs root rights)', async () => {
  const root = await mkdtemp(join(tmpdir(), 'pendshare-root-'))
  try {
    await mkdir(join(root, 'proc'))
    await mkdir(join(root, 'inner/proc'), { recursive: true })
    const inner = inRoot('/inner', SYSTEM, ['ls', '/'])
    const { exitCode, output } = await run(inRoot(root, SYSTEM, inner))
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: expect.not.stringContaining('inner') })
  } finally {
    await rm(root, { recursive: true })
  }
})
