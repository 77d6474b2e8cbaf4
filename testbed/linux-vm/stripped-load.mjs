/** A module hook of Node that takes the repository's TypeScript from where the host has put it, stripped of its types. */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const stripped = process.env.PENDSHARE_STRIPPED

export function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || !/\.ts(\?|$)/.test(url)) return nextLoad(url, context)
  const path = relative(repository, fileURLToPath(url))
  return { format: 'module', source: readFileSync(`${stripped}/${path}`), shortCircuit: true }
}
