/** Whether the addon is built, for tests that need it: without a compiler they are skipped by name. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ADDON_PATH = fileURLToPath(new URL('../build/Release/pendshare_linux.node', import.meta.url))
export const built = existsSync(ADDON_PATH)
export const unlessBuilt = built ? '' : ' (the addon is not built: npm run build)'
