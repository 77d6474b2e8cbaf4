/** How every command that tests ends. */
import { readdirSync, readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { type Counts, formatCounts, nothing } from './counts.ts'

/**
 * Prints the counts as the last line; exit code 0 only where something passed and nothing failed. A run that could not be made at all
 * says why, and counts as a failure. `undefined`: nothing was to be tested.
 */
export async function conclude(command: string, test: () => Promise<Counts | undefined>): Promise<void> {
  let counts: Counts | undefined
  try {
    const start = performance.now()
    counts = await test()
    if (counts) console.log(`${((performance.now() - start) / 1000).toFixed(0)} s in all`)
  } catch (error) {
    console.error(`${command}: ${error instanceof Error ? error.message : error}`)
    counts = { ...nothing, failed: 1 }
  }
  if (counts === undefined) return
  await leave(counts, counts.failed === 0 && counts.passed > 0)
}

/**
 * Ends this process with the counts as its last line. What should have ended by now does not keep it from that, but is named: a program that
 * nobody waits for has once held up a whole run whose tests had all passed.
 */
export async function leave(counts: Counts, good: boolean): Promise<never> {
  // A program that has ended is still listed for a turn or two.
  for (let turns = 0; turns < 10 && open().length > 0; turns++) await setImmediate()
  const left = open()
  if (left.length > 0) console.log(`still open: ${[...left, ...programs()].join(', ')}`)
  console.log(`\n${formatCounts(counts)}`)
  process.exit(good ? 0 : 1)
}

function open(): string[] {
  return process.getActiveResourcesInfo().filter((name) => !ENDING.test(name))
}

/** The standard streams, and calls that are on their way back. */
const ENDING = /^(TTYWrap|PipeWrap|TCPSocketWrap|CloseReq|FSReq\w+)$/

/** What each program that this process has started was called by. */
function programs(): string[] {
  return readdirSync('/proc').flatMap((id) => {
    try {
      const parent = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]
      if (Number(parent) !== process.pid) return []
      return [readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()]
    } catch {
      return [] // no process, or one that has just ended
    }
  })
}
