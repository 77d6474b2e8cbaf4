import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { cached, withLock } from '../cache.ts'

let root = ''

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pendshare-cache-'))
  vi.stubEnv('XDG_CACHE_HOME', root)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(root, { recursive: true })
})

/** A process that takes the lock `name`, says so, and keeps it until it is killed. */
async function holder(name: string): Promise<ChildProcess> {
  const program = `
    import { withLock } from ${JSON.stringify(join(import.meta.dirname, '../cache.ts'))}
    await withLock(${JSON.stringify(name)}, () => {
      console.log('locked')
      return new Promise(() => setInterval(() => {}, 1000))
    })`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

it('builds an entry once, however many ask at once', async () => {
  const build = vi.fn(async (directory: string) => writeFile(join(directory, 'file'), 'content'))
  const [first, second] = await Promise.all([cached('entry', build), cached('entry', build)])
  expect(first).toBe(second)
  expect(await readFile(join(first, 'file'), 'utf8')).toBe('content')
  expect(build).toHaveBeenCalledTimes(1)
})

it('throws an interrupted build away and builds anew', async () => {
  const broken = cached('entry', async (directory) => {
    await writeFile(join(directory, 'half'), '')
    throw new Error('interrupted')
  })
  await expect(broken).rejects.toThrow('interrupted')
  const directory = await cached('entry', async (into) => writeFile(join(into, 'whole'), ''))
  await expect(readFile(join(directory, 'half'))).rejects.toThrow('ENOENT')
  expect(await readFile(join(directory, 'whole'), 'utf8')).toBe('')
})

it('keeps other processes out until the holder is done, even when it is killed', async () => {
  const name = join(root, 'lock')
  const child = await holder(name)
  const order: string[] = []
  const waiting = withLock(name, async () => order.push('locked here'))
  const exit = once(child, 'exit').then(() => order.push('holder gone'))
  child.kill('SIGKILL')
  await Promise.all([waiting, exit])
  expect(order).toHaveLength(2)
  expect(child.signalCode).toBe('SIGKILL')
})

it('admits one holder at a time within a process', async () => {
  let inside = 0
  let most = 0
  const enter = () =>
    withLock(join(root, 'lock'), async () => {
      inside += 1
      most = Math.max(most, inside)
      await new Promise(setImmediate)
      inside -= 1
    })
  await Promise.all([enter(), enter(), enter(), enter()])
  expect(most).toBe(1)
})

it('forgets what nobody has asked for in two weeks', async () => {
  const old = await cached('old', async (directory) => writeFile(join(directory, 'file'), ''))
  const longAgo = new Date(Date.now() - 15 * 24 * 3600 * 1000)
  await utimes(`${old}.complete`, longAgo, longAgo)
  await cached('new', async () => {})
  await expect(readFile(join(old, 'file'))).rejects.toThrow('ENOENT')
})
