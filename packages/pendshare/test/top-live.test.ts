/** `pendshare top --watch` in a terminal that the test plays. */
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import type { ReadStream, WriteStream } from 'node:tty'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { ListedFile } from '../src/cli/fdinfo.ts'
import { watchLive } from '../src/cli/top-live.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function terminal() {
  const modes: boolean[] = []
  const input = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (raw: boolean) => modes.push(raw),
  }) as unknown as ReadStream & PassThrough
  let text = ''
  const output = Object.assign(new EventEmitter(), {
    isTTY: true,
    columns: 80,
    rows: 10,
    write: (piece: string) => {
      text += piece
      return true
    },
  }) as unknown as WriteStream
  const take = () => {
    const taken = text
    text = ''
    return taken
  }
  return { input, output, modes, take }
}

const FILE: ListedFile = {
  pid: 7,
  fd: 20,
  command: 'node',
  pinnedPages: 1,
  shares: [{ id: '1', bytes: 4096, access: 'rw', peer: 'fill', state: 'pended', rings: 1, label: 'a' }],
}

/** What is read from the terminal arrives with the next turns. */
async function type(input: PassThrough, keys: string): Promise<void> {
  input.write(keys)
  await vi.advanceTimersByTimeAsync(0)
}

it('draws at once, at each look and at each key, and leaves the terminal as it was', async () => {
  const { input, output, modes, take } = terminal()
  let looks = 0
  const list = () => [{ ...FILE, pinnedPages: ++looks }]
  const over = watchLive(list, 2, input, output)
  const first = take()
  expect(first.startsWith('\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H1 shares in 1 open devices, 1 pinned')).toBe(
    true,
  )
  await vi.advanceTimersByTimeAsync(2000)
  expect(take()).toContain('2 pinned pages')
  await type(input, 's')
  expect(take()).toContain('sort by COMMAND')
  output.columns = 20
  output.emit('resize')
  expect(take()).toContain('1 shares in 1 open …')
  await type(input, ' ')
  take()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(take()).toBe('')
  expect(modes).toEqual([true])
  await type(input, 'q')
  await over
  expect(take()).toBe('\x1b[?7h\x1b[?25h\x1b[?1049l')
  expect(modes).toEqual([true, false])
  expect(vi.getTimerCount()).toBe(0)
  expect([output.listenerCount('resize'), input.listenerCount('keypress')]).toEqual([0, 0])
})

it('restores the terminal when looking fails, and tells why', async () => {
  const { input, output, take } = terminal()
  let looks = 0
  const list = () => {
    if (++looks > 1) throw new Error('no more')
    return [FILE]
  }
  const failing = expect(watchLive(list, 1, input, output)).rejects.toThrow('no more')
  await vi.advanceTimersByTimeAsync(1000)
  await failing
  expect(take().endsWith('\x1b[?1049l')).toBe(true)
})

it('ends the process by Ctrl-C as anywhere', async () => {
  const { input, output } = terminal()
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => {}) as never)
  const over = watchLive(() => [FILE], 1, input, output)
  await type(input, '\x03')
  expect(exit).toHaveBeenCalledWith(130)
  exit.mockRestore()
  await type(input, 'q')
  await over
})
