/** Plays a file of golden vectors on the TypeScript side, and has the C side play the same file where there is a compiler. */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, it } from 'vitest'

const compiler = spawnSync('cc', ['--version']).status === 0 && spawnSync('make', ['--version']).status === 0

/** `name`: of the directory in `testbed/native`, and of the header. `play` throws when a step comes out otherwise than it says. */
export function describeVectors(
  name: string,
  play: (step: string, args: string[]) => Promise<void> | void,
): void {
  const native = fileURLToPath(new URL(`../../../testbed/native/${name}/`, import.meta.url))
  const vectors = `${native}golden/vectors.txt`

  describe('the golden vectors', () => {
    for (const { title, steps } of groups(vectors)) {
      it(title, async () => {
        for (const [line, [step = '', ...args]] of steps) {
          try {
            await play(step, args)
          } catch (error) {
            throw new Error(`vectors.txt:${line}: ${error instanceof Error ? error.message : error}`, {
              cause: error,
            })
          }
        }
      })
    }
  })

  describe.skipIf(!compiler)('the golden vectors in C', () => {
    it(`agree with ${name}.h`, { timeout: 60_000 }, async () => {
      await promisify(execFile)('make', ['-s', 'golden'], { cwd: native })
      const { stdout } = await promisify(execFile)(`${native}build/golden`, [vectors])
      assert.match(stdout, /^golden: \d+ steps agree$/m)
    })
  })
}

interface Group {
  readonly title: string
  readonly steps: [line: number, words: string[]][]
}

/** The steps below each comment, whose last line is their title. */
function groups(vectors: string): Group[] {
  const all: Group[] = []
  for (const [index, line] of readFileSync(vectors, 'utf8').split('\n').entries()) {
    if (line.startsWith('#')) all.push({ title: line.slice(2), steps: [] })
    else if (line !== '') all.at(-1)?.steps.push([index + 1, line.split(' ')])
  }
  return all.filter(({ steps }) => steps.length > 0)
}
