/** The screen of `pendshare top --watch`, without a terminal. */
import { describe, expect, it } from 'vitest'
import type { ListedFile, ListedShare } from '../src/cli/fdinfo.ts'
import { FIRST_VIEW, type Listing, press, screen, type View } from '../src/cli/top-screen.ts'

const SHARE: ListedShare = {
  id: '1',
  bytes: 64 << 10,
  access: 'rw',
  peer: 'clock',
  state: 'pended',
  rings: 100,
  missed: 0,
  label: 'meter',
}

function file(pid: number, ...shares: Partial<ListedShare>[]): ListedFile {
  return {
    pid,
    fd: 20,
    command: 'node',
    pinnedPages: 16,
    shares: shares.map((share) => ({ ...SHARE, ...share })),
  }
}

const listing = (atMs: number, ...files: ListedFile[]): Listing => ({ files, atMs })
const TWO = listing(
  0,
  file(9, { label: 'camera', peer: 'capture', bytes: 8 << 20, frames: { count: 8, user: 3, overruns: 17 } }),
  file(30, { missed: 4684 }, { id: '2', label: '', peer: '', bytes: 4096, rings: 7 }),
)

function draw(
  view: Partial<View> = {},
  columns = 120,
  rows = 12,
  now = TWO,
  before?: Listing,
): readonly string[] {
  return screen({ ...FIRST_VIEW, ...view }, now, before, { columns, rows }).lines
}

/** Keys one after the other; a word is typed. */
function keys(...pressed: string[]): View {
  const named = new Set(['up', 'down', 'pageup', 'pagedown', 'home', 'end', 'escape', 'return', 'backspace'])
  return pressed.reduce((view: View, key) => {
    const after = press(view, named.has(key) ? { name: key } : { text: key })
    if (after === undefined) throw new Error('left')
    return after
  }, FIRST_VIEW)
}

describe('the lines', () => {
  it('are a title, the heads, a line a share, and the keys', () => {
    expect(draw()).toEqual([
      '3 shares in 2 open devices, 32 pinned pages',
      '[PID]  COMMAND  ID  PEER      BYTES  STATE   RINGS  RINGS/S  MISSED  FRAMES  OVERRUNS  LABEL',
      '    9  node      1  capture   8 MiB  pended    100        -       0  3/8           17  camera',
      '   30  node      1  clock    64 KiB  pended    100        -    4684  -              -  meter',
      '   30  node      2  -         4 KiB  pended      7        -       0  -              -',
      ...Array(6).fill(''),
      'q quit  s sort by PID  r reverse  / filter  Space pause  ↑↓ scroll',
    ])
  })

  for (const columns of [1, 8, 20, 40, 80, 200])
    it(`fit ${columns} columns, and as many rows as there are`, () => {
      for (const rows of [1, 4, 5, 24]) {
        const lines = draw({ filter: 'n' }, columns, rows)
        expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(columns)
        expect(lines.length).toBe(rows)
      }
    })

  it('of a narrow terminal have what matters most, and what they are sorted by', () => {
    expect(draw({}, 40)[1]).toBe('[PID]  PEER      BYTES  RINGS/S  LABEL')
    expect(draw({ sort: 'OVERRUNS' }, 40)[1]).toContain('[OVERRUNS]')
    expect(draw({}, 20)[1]).toBe('[PID]  RINGS/S')
  })

  it('say that nobody lends, or that nothing matches', () => {
    expect(draw({}, 80, 6, listing(0))).toContain('nobody lends memory now')
    expect(draw({ filter: 'xyz' })).toContain('nothing matches the filter')
  })

  it('show what would steer a terminal, and cut a label that is too long', () => {
    const text = draw({}, 200, 6, listing(0, file(1, { label: `\x1b[2J${'x'.repeat(100)}` }))).join('')
    expect(text).toContain('\\x1b[2J')
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(text).toContain('…')
  })
})

describe('rates', () => {
  it('are what came between two looks, and unknown of what is new', () => {
    const later = listing(2000, file(30, { rings: 2100 }, { id: '2', rings: 10 }, { id: '3', rings: 5 }))
    const rates = draw({}, 200, 8, later, TWO).slice(2, 5)
    expect(rates.map((line) => line.split(/\s+/)[9])).toEqual(['1000', '1.5', '-'])
  })

  it('are unknown where another file has the number by now', () => {
    const other = listing(1000, { ...file(30, { rings: 50 }), fd: 21 })
    expect(draw({}, 200, 8, other, TWO)[2]).toMatch(/50\s+-\s+0/)
  })
})

describe('a key', () => {
  it('sorts by the next column, counts from the largest, and the other way round', () => {
    const byBytes = keys('s', 's', 's', 's')
    expect(byBytes.sort).toBe('BYTES')
    const peers = (view: View) =>
      draw(view, 200)
        .slice(2, 5)
        .map((line) => /capture|clock|-/.exec(line)?.[0])
    expect(peers(byBytes)).toEqual(['capture', 'clock', '-'])
    expect(peers(keys('s', 's', 's', 's', 'r'))).toEqual(['-', 'clock', 'capture'])
    expect(draw(keys('s', 's', 's', 's', 'r')).at(-1)).toContain('sort by BYTES, reversed')
  })

  it('comes back to the first column after the last', () => {
    expect(keys(...Array(12).fill('s'))).toEqual(FIRST_VIEW)
  })

  it('filters by what is typed, in any column, whatever its case', () => {
    const view = keys('/', 'C', 'A', 'M', 'X', 'backspace', 'return')
    expect(view).toMatchObject({ filter: 'CAM', typing: false })
    const lines = draw(view)
    expect(lines[1]).toBe('filter: CAM')
    expect(lines.filter((line) => line.includes('node'))).toHaveLength(1)
    expect(press(view, { name: 'escape' })?.filter).toBe('')
  })

  it('is a letter of the filter while that is typed, and no control character is', () => {
    expect(keys('/', 'q', 's', ' ', '\x07')).toMatchObject({ filter: 'qs ', typing: true, sort: 'PID' })
    expect(keys('/', 'q', 'escape')).toMatchObject({ filter: '', typing: false })
  })

  it('pauses and goes on; leaves', () => {
    expect(draw(keys(' '))[0]).toMatch(/^paused: /)
    expect(keys(' ', ' ').paused).toBe(false)
    expect(press(FIRST_VIEW, { text: 'q' })).toBeUndefined()
  })

  it('scrolls, not beyond the last, and what it does not know does nothing', () => {
    const many = listing(0, ...Array.from({ length: 50 }, (_, at) => file(at + 1, {})))
    const first = (view: View) => /\d+/.exec(draw(view, 80, 13, many)[2] ?? '')?.[0]
    expect(first(keys('down', 'down'))).toBe('3')
    expect(first(keys('pagedown', 'up'))).toBe('10')
    expect(first(keys('end'))).toBe('41')
    expect(first(keys('end', 'home'))).toBe('1')
    expect(keys('up', 'x')).toEqual(FIRST_VIEW)
  })
})
