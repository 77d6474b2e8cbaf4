/** Law 6: whatever becomes of a process or worker, no page of its shares stays pinned; and an idle device holds nobody up. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Context } from '../context.ts'
import { room } from '../law.ts'
import type { Need } from '../subject.ts'

/** The program runs as this file does: from source, or built. */
const FROM_SOURCE = extname(import.meta.url) === '.ts'
const PROGRAM = new URL(FROM_SOURCE ? '../programs/owner.ts' : '../programs/owner.js', import.meta.url)
const NODE_OPTIONS = FROM_SOURCE ? ['--conditions=@pendshare/source'] : []

/** Watchdogs that the start of a program may take: on an emulated machine it is by far the longest step. */
const STARTS = 4

const NEEDS: readonly Need[] = ['fixture', 'peer fill']
const NEEDS_SYSTEM: readonly Need[] = [...NEEDS, 'ownerExit', 'pinnedPages', 'systemWide']

/** Acts that end their owner, and its exit code. */
const ENDS = [
  ['exiting', 0],
  ['throwing', 1],
  ['closing', 0],
] as const

interface Outcome {
  readonly code: number | null
  readonly said: string
}

export const owner = room('owner', (law) => {
  for (const [what, act] of [
    ['whose device is idle', 'idle'],
    ['that awaits the end of an unreferenced share', 'unreferenced'],
  ] as const)
    law(`a process ${what} ends by itself`, NEEDS, async (context) => {
      assert.deepEqual(await run(context, act), { code: 0, said: 'ready' })
    })

  law('a live share keeps its process alive until its end', NEEDS, async (context) => {
    assert.deepEqual(await run(context, 'live'), { code: 0, said: 'peer-ended' })
  })

  for (const [act, code] of ENDS)
    law(`a process that is ${act} with live shares leaves no page pinned`, NEEDS_SYSTEM, async (context) => {
      const before = await pinned(context)
      assert.deepEqual(await run(context, act), { code, said: 'ready' })
      await unpinned(context, before)
    })

  law('a process that is killed with live shares leaves no page pinned', NEEDS_SYSTEM, async (context) => {
    const before = await pinned(context)
    const { child, ended } = start(context, 'waiting')
    await context.within('the word of the child', once(child.stdout ?? child, 'data'), STARTS)
    assert.equal((await pinned(context)) - before, 16)
    child.kill('SIGKILL')
    await ended
    await unpinned(context, before)
  })

  for (const [act, code] of ENDS)
    law(`a worker that is ${act} with live shares leaves no page pinned`, NEEDS_SYSTEM, async (context) => {
      const before = await pinned(context)
      assert.deepEqual(await runWorker(context, act), { code, said: 'ready' })
      await unpinned(context, before)
    })

  law('a worker that is terminated with live shares leaves no page pinned', NEEDS_SYSTEM, async (context) => {
    const before = await pinned(context)
    for (let round = 0; round < 3; round++) {
      const { worker } = startWorker(context, 'waiting')
      await context.within('the word of the worker', once(worker, 'message'), STARTS)
      assert.equal((await pinned(context)) - before, 16)
      await context.within('worker.terminate()', worker.terminate())
      await unpinned(context, before)
    }
  })

  law('a worker whose device is idle ends by itself', NEEDS, async (context) => {
    assert.deepEqual(await runWorker(context, 'idle'), { code: 0, said: 'ready' })
  })
})

async function run(context: Context, act: string): Promise<Outcome> {
  const { child, ended } = start(context, act)
  let said = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text))
  const code = await ended
  return { code, said: said.trim() }
}

async function runWorker(context: Context, act: string): Promise<Outcome> {
  const { worker, ended } = startWorker(context, act)
  let said = ''
  worker.on('message', (word: string) => {
    said += word
  })
  return { code: await ended, said }
}

/** Starts a child that is killed when it outlives the watchdog. */
function start(context: Context, act: string): { child: ChildProcess; ended: Promise<number | null> } {
  // What an uncaught error prints is expected, and would only look like a failure.
  const child = spawn(process.execPath, [...NODE_OPTIONS, fileURLToPath(PROGRAM), fixtureOf(context), act], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = bounded(context, act, child).finally(() => child.kill('SIGKILL'))
  return { child, ended }
}

function startWorker(context: Context, act: string): { worker: Worker; ended: Promise<number | null> } {
  const argv = [fixtureOf(context), act]
  const worker = new Worker(PROGRAM, { argv, execArgv: NODE_OPTIONS, stderr: true })
  // An error that nobody catches is what some acts are about.
  worker.on('error', () => {})
  const ended = bounded(context, act, worker).finally(() => worker.terminate())
  return { worker, ended }
}

/** Resolves with the exit code. A law that fails before it waits for this leaves nothing unhandled. */
function bounded(context: Context, act: string, owner: ChildProcess | Worker): Promise<number | null> {
  const exited = new Promise<number | null>((resolve) => {
    owner.once(owner instanceof Worker ? 'exit' : 'close', resolve)
  })
  const ended = context.within(`the end of the owner that is ${act}`, exited, STARTS)
  ended.catch(() => {})
  return ended
}

function fixtureOf({ subject }: Context): string {
  assert.ok(subject.fixture)
  return subject.fixture.href
}

async function pinned({ subject }: Context): Promise<number> {
  return (await subject.hooks?.pinnedPages?.()) ?? Number.NaN
}

/** The driver may take a moment after the process is gone, but nothing has to happen for it. */
async function unpinned(context: Context, before: number): Promise<void> {
  await context.until('the last page of a dead owner', async () => (await pinned(context)) === before)
}
