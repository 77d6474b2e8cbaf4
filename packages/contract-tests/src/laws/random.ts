/**
 * Random sequences of commands on a device and on a model of it. A failure tells how to see it again:
 * `PENDSHARE_SEED` and `PENDSHARE_PATH` replay the shortest sequence that was found.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Context, runLaw } from '../context.ts'
import { room } from '../law.ts'
import { commandsOf } from '../random/commands.ts'
import { finish, type Model, type Real, start } from '../random/model.ts'
import type { Subject } from '../subject.ts'

const RUNS = 50
const COMMANDS = 40

const { PENDSHARE_SEED, PENDSHARE_PATH } = process.env
const seed = PENDSHARE_SEED === undefined ? Date.now() % 2 ** 31 : Number(PENDSHARE_SEED)

export const random = room('random', (law) => {
  law(`PENDSHARE_SEED=${seed}`, ['peer fill'], ({ subject }) => runRandomly(subject, seed, PENDSHARE_PATH))
})

/** `path` is that of the run, and behind the @ that of the commands in it, as a failure tells them. */
export async function runRandomly(subject: Subject, seed: number, path?: string): Promise<void> {
  const [runPath, replayPath] = path?.split('@') ?? []
  const commands = fc.commands(commandsOf(subject), {
    maxCommands: COMMANDS,
    size: 'max',
    ...(replayPath && { replayPath }),
  })
  const property = fc.asyncProperty(commands, (sequence) => runOnce(subject, sequence))
  const numRuns = subject.runs ?? RUNS
  const details = await fc.check(property, { seed, numRuns, ...(runPath !== undefined && { path: runPath }) })
  if (details.failed) assert.fail(reportOf(details))
}

type Sequence = Iterable<fc.AsyncCommand<Model, Real>>

/** Each sequence has devices and witnesses of its own. */
function runOnce(subject: Subject, sequence: Sequence): Promise<void> {
  const run = async (context: Context) => {
    const { model, real } = await start(context)
    await fc.asyncModelRun(() => ({ model, real }), sequence)
    await finish(real)
  }
  return runLaw({ run }, subject)
}

function reportOf({
  seed,
  counterexample,
  counterexamplePath,
  errorInstance,
}: fc.RunDetails<[Sequence]>): string {
  const sequence = String(counterexample)
  const inside = /replayPath="([^"]*)"/.exec(sequence)?.[1] ?? ''
  return [
    errorInstance instanceof Error ? errorInstance.message : String(errorInstance),
    `after: ${sequence.replace(/ ?\/\*.*\*\//, '')}`,
    `again: PENDSHARE_SEED=${seed} PENDSHARE_PATH='${counterexamplePath}@${inside}'`,
  ].join('\n')
}
