// Preloaded: the command gets no further than its look for the device, says so, and stays alive.
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

fs.access = () => {
  process.stderr.write('stuck\n')
  return new Promise(() => setInterval(() => {}, 1 << 30))
}
syncBuiltinESMExports()
