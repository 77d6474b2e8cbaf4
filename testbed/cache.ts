/**
 * The cache of everything slow that the testbed builds. An entry is built once, under a lock that dies with its process,
 * and counts only when its build has finished: an interrupted build is thrown away, never used.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { createConnection, createServer, type Socket } from 'node:net'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'

export function cacheRoot(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'pendshare')
}

/**
 * The directory `name` in the cache; `build` fills it when it is not there yet. The directory never moves, so that
 * absolute paths inside it stay right. `name` carries everything that the content depends on.
 */
export async function cached(name: string, build: (directory: string) => Promise<void>): Promise<string> {
  const directory = join(cacheRoot(), name)
  const complete = `${directory}.complete`
  if (!existsSync(complete))
    await withLock(directory, async () => {
      if (existsSync(complete)) return
      await rm(directory, { recursive: true, force: true })
      await mkdir(directory, { recursive: true })
      await build(directory)
      await writeFile(complete, '')
      await forgetUnused()
    })
  const now = new Date()
  await utimes(complete, now, now)
  return directory
}

/** Deletes the entries that nobody asked for in two weeks: builds of old sources, kernels that apt has replaced. */
async function forgetUnused(): Promise<void> {
  const limit = Date.now() - 14 * 24 * 3600 * 1000
  for (const file of await readdir(cacheRoot())) {
    const complete = join(cacheRoot(), file)
    if (!file.endsWith('.complete') || (await stat(complete)).mtimeMs > limit) continue
    await rm(complete, { force: true })
    await rm(complete.slice(0, -'.complete'.length), { recursive: true, force: true })
  }
}

/**
 * Runs `action` while nobody else on this machine, in this process or another, holds the lock `name`. The lock is a listening abstract socket:
 * the kernel frees it with the process, however it ends, and those who wait see their connection close.
 */
export async function withLock<T>(name: string, action: () => Promise<T>): Promise<T> {
  // Hashed: a socket's name is at most 107 bytes long.
  const address = `\0pendshare-lock-${createHash('sha256').update(name).digest('hex')}`
  let release = await tryLock(address)
  if (!release) console.log(`waiting for whoever is busy with ${basename(name)}`)
  while (!release) {
    await holderGone(address)
    release = await tryLock(address)
  }
  try {
    return await action()
  } finally {
    release()
  }
}

/** Takes the lock and returns its release, or undefined when another process holds it. */
function tryLock(address: string): Promise<(() => void) | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<(() => void) | undefined>()
  const waiting: Socket[] = []
  const server = createServer((socket) => waiting.push(socket.on('error', () => {}).unref()))
  server.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') resolve(undefined)
    else reject(error)
  })
  server.listen({ path: address }, () => {
    server.unref()
    resolve(() => {
      server.close()
      for (const socket of waiting) socket.destroy()
    })
  })
  return promise
}

/** Resolves when the holder has closed the connection, or was gone already. */
function holderGone(address: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const socket = createConnection({ path: address })
  socket.on('error', () => {}).on('close', () => resolve())
  socket.resume()
  return promise
}
