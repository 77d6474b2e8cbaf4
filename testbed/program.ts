/** A test program, wherever it runs: how its end is judged, explained, and kept. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheRoot } from './cache.ts'
import { add, type Counts, countTap, formatCounts, nothing } from './counts.ts'

/** How a program ended. */
export interface Ended {
  /** `undefined`: it did not come to its end. */
  readonly exitCode: number | undefined
  readonly output: string
  /** Of the output, what is no complaint, where that is known. */
  readonly stdout?: string
  /** What else is kept, and shown with a failure: what it said elsewhere. */
  readonly aside?: string
  /** What is wrong with the machine that it ran on; that nothing is, is one test more. */
  readonly problems?: readonly string[]
}

export interface Program {
  /** What its lines are headed by. */
  readonly label: string
  /** `exit code`: it prints no points, and is one test. */
  readonly judged: 'points' | 'exit code'
  readonly run: () => Promise<Ended>
}

const passed: Counts = { ...nothing, passed: 1 }
const failed: Counts = { ...nothing, failed: 1 }

/** Runs it, and prints one line of what came of it; of a failure, what it said. */
export async function testProgram({ label, judged, run }: Program): Promise<Counts> {
  const start = performance.now()
  const ended = await run()
  const counts = judged === 'points' ? judgePoints(ended) : ended.exitCode === 0 ? passed : failed
  const log = await keep(label, ended)
  if (counts.failed > 0) explain(label, ended, log)
  else for (const line of remarks(judged, ended.stdout ?? ended.output)) console.log(`  ${line}`)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${label}: ${formatCounts(counts)} in ${seconds} s`)
  return counts
}

/** A program that made no point proves nothing, and one that ended otherwise than its points say hides something. */
export function judgePoints({ exitCode, output, problems }: Ended): Counts {
  const told = countTap(output)
  const silent = told.passed + told.failed + told.skipped === 0
  const unexplained = exitCode !== 0 && told.failed === 0
  if (silent || unexplained || (problems ?? []).length > 0) return add(told, failed)
  return problems === undefined ? told : add(told, passed)
}

/** What is worth reading of a program that passed: what one in C remarks on its points, or the last that one without points says. */
function remarks(judged: Program['judged'], output: string): string[] {
  const lines = output.trimEnd().split('\n')
  if (judged === 'exit code') return output.trim() === '' ? [] : lines.slice(-6)
  if (/^# tests \d+$/m.test(output)) return [] // node:test's summaries are no remarks
  return lines.flatMap((line) => (line.startsWith('# ') ? [line.slice(2)] : []))
}

/** The points that failed, with what follows them; where there are none, how it ended. */
function explain(label: string, { exitCode, output, aside = '', problems = [] }: Ended, log: string): void {
  const lines = output.trimEnd().split('\n')
  const failures = lines.flatMap((line, at) =>
    /^\s*not ok\b/.test(line) || line.startsWith('Bail out!') ? lines.slice(at, at + 16) : [],
  )
  console.log((failures.length > 0 ? failures : lines.slice(-60)).join('\n'))
  if (aside !== '') console.log(aside.trimEnd().split('\n').slice(-40).join('\n'))
  for (const problem of problems) console.log(`problem: ${problem}`)
  const how = exitCode === undefined ? 'did not come to its end' : `ended with exit code ${exitCode}`
  console.log(`${label} ${how}; all that it said: ${log}`)
}

async function keep(label: string, { output, aside = '', problems = [] }: Ended): Promise<string> {
  const directory = join(cacheRoot(), 'logs')
  await mkdir(directory, { recursive: true })
  const path = join(directory, `${label.replaceAll(/[^\w.-]+/g, '-')}.log`)
  const told = problems.map((problem) => `problem: ${problem}\n`).join('')
  await writeFile(path, `${output}\n--- aside\n${aside}---\n${told}`)
  return path
}
