/** What the README tells a new user to type, line by line, and the program that it shows first. */
import { isShell, programsOf, readPage } from '../pages.ts'

const page = await readPage('README.md')

/** For the library and for the driver; the machine of its reader is not the one that the tests run on. */
const [library = [], driver = []] = page.blocks
  .filter((block) => isShell(block) && block.mark?.kind === 'not run')
  .map(({ code }) => code.trimEnd().split('\n'))

/** The line of a block with this in it, as it stands there. */
function line(block: readonly string[], words: string): string {
  const found = block.find((each) => each.includes(words))
  if (found === undefined) throw new Error(`the README does not say '${words}' any more`)
  return found
}

export const typed = {
  library: line(library, 'npm install pendshare'),
  doctor: line(library, 'pendshare doctor'),
  build: line(driver, 'package:linux'),
  install: line(driver, 'apt-get install'),
  load: line(driver, 'modprobe'),
  join: line(driver, 'usermod'),
}

/** JavaScript as it stands there. */
export const firstProgram = programsOf(page)[0]?.source.trimStart() ?? ''
