/**
 * Preloaded into every Node of a guest: hands out the repository's TypeScript as the host has stripped it of its types.
 * Node's own stripper is WebAssembly, which an emulated processor compiles for seconds, in each process anew.
 */
import { readFileSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const stripped = process.env.PENDSHARE_STRIPPED

// There since Node 22.15: an older one strips for itself.
nodeModule.registerHooks?.({
  load(url, context, nextLoad) {
    if (!url.startsWith('file:') || !/\.ts(\?|$)/.test(url)) return nextLoad(url, context)
    const path = relative(repository, fileURLToPath(url))
    return { format: 'module', source: readFileSync(`${stripped}/${path}`), shortCircuit: true }
  },
})
