/** `npm run check`: lint, format, types, and what nobody uses, of the whole workspace, without running anything. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const fix = process.argv.includes('--fix')
const unknown = process.argv.slice(2).filter((argument) => argument !== '--fix')
if (unknown.length > 0) {
  console.error(`check: unknown argument ${unknown.join(' ')}\nusage: npm run check [-- --fix]`)
  process.exit(2)
}

const steps: readonly [name: string, command: string, ...string[]][] = [
  ['lint and format', 'biome', fix ? 'check' : 'ci', ...(fix ? ['--write'] : []), '.'],
  ['types', 'tsc', '--noEmit', '-p', 'tsconfig.json'],
  ['what nobody uses', 'knip'],
]

const failed = steps.filter(([name, command, ...options]) => {
  console.log(`check: ${name}`)
  const { status } = spawnSync(`node_modules/.bin/${command}`, options, { cwd: root, stdio: 'inherit' })
  return status !== 0
})
console.log(
  failed.length === 0 ? 'check: clean' : `check: failed: ${failed.map(([name]) => name).join(', ')}`,
)
process.exitCode = failed.length === 0 ? 0 : 1
