/** `pendshare top --watch` in a terminal: the screen of top-screen.ts, drawn anew at each look and each key, and gone when it ends. */
import { emitKeypressEvents } from 'node:readline'
import type { ReadStream, WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import { EXIT } from './exit-codes.ts'
import type { ListedFile } from './fdinfo.ts'
import { FIRST_VIEW, type Listing, press, screen } from './top-screen.ts'

/** The alternate screen, so that what was there before comes back; no cursor, no wrapping of what is too long. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l'
const TO_TOP = '\x1b[H'
const TO_END_OF_LINE = '\x1b[K'

interface Key {
  readonly name?: string
  readonly ctrl?: boolean
}

/** Resolves when `q` was pressed; Ctrl-C ends the process as it does anywhere. */
export async function watchLive(
  list: () => readonly ListedFile[],
  seconds: number,
  input: ReadStream,
  output: WriteStream,
): Promise<void> {
  let view = FIRST_VIEW
  let before: Listing | undefined
  let now: Listing = { files: list(), atMs: performance.now() }
  const { promise, resolve, reject } = Promise.withResolvers<void>()

  const draw = () => {
    const { lines, head } = screen(view, now, before, { columns: output.columns, rows: output.rows })
    const drawn = lines.map((line, at) =>
      at === head ? styleText('inverse', line.padEnd(output.columns), { stream: output }) : line,
    )
    output.write(TO_TOP + drawn.map((line) => line + TO_END_OF_LINE).join('\r\n'))
  }
  const look = () => {
    if (view.paused) return
    try {
      const files = list()
      before = now
      now = { files, atMs: performance.now() }
      draw()
    } catch (error) {
      reject(error)
    }
  }
  const pressed = (text: string | undefined, { name, ctrl }: Key) => {
    if (ctrl && name === 'c') process.exit(EXIT.interrupted)
    const next = press(view, { ...(name !== undefined && { name }), ...(text !== undefined && { text }) })
    if (next === undefined) return resolve()
    view = next
    draw()
  }
  const restore = () => {
    input.setRawMode(false)
    output.write(LEAVE)
  }

  emitKeypressEvents(input)
  input.setRawMode(true)
  // However the process ends, the terminal is as it was.
  process.on('exit', restore)
  input.on('keypress', pressed)
  output.on('resize', draw)
  output.write(ENTER)
  const timer = setInterval(look, seconds * 1000)
  try {
    draw()
    await promise
  } finally {
    clearInterval(timer)
    input.off('keypress', pressed)
    input.pause()
    output.off('resize', draw)
    process.off('exit', restore)
    restore()
  }
}
