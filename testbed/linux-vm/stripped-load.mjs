/** A module hook of Node that takes the repository's TypeScript from where the host has put it, stripped of its types. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const stripped = process.env.PENDSHARE_STRIPPED

/** The file in place of a module's; `undefined`: Node has to see to that one itself. */
function standIn(url) {
  const path = url.startsWith('file:') ? fileURLToPath(url) : ''
  if (!path.startsWith(repository) || !path.endsWith('.ts')) return undefined
  const file = `${stripped}/${path.slice(repository.length)}`
  return existsSync(file) ? file : undefined
}

/** What one stand-in says of another needs no look at the file system. */
export function resolve(specifier, context, nextResolve) {
  if (specifier.startsWith('.') && context.parentURL && standIn(context.parentURL)) {
    const { href } = new URL(specifier, context.parentURL)
    if (standIn(href)) return { url: href, format: 'module', shortCircuit: true }
  }
  return nextResolve(specifier, context)
}

export function load(url, context, nextLoad) {
  const file = standIn(url)
  if (file === undefined) return nextLoad(url, context)
  return { format: 'module', source: readFileSync(file), shortCircuit: true }
}
