/** What package.json says of this package. */
import { readFileSync } from 'node:fs'

// As far from src/cli/ as from dist/cli/.
export const { version: VERSION, engines } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { readonly version: string; readonly engines: { readonly node: string } }
