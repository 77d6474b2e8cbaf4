import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { LiveTable } from '../src/live.ts'

/** A table to which 1, 2 and 3 were added. */
function three(): LiveTable<{ readonly id: number }> {
  const table = new LiveTable<{ readonly id: number }>()
  for (const id of [1, 2, 3]) table.add({ id })
  return table
}

function idsOf(table: Iterable<{ readonly id: number }>): number[] {
  return Array.from(table, ({ id }) => id)
}

describe('a table of what is live', () => {
  it('finds each entry, and lists them in the order in which they came', () => {
    const table = three()
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((id) => table.get(id)?.id),
      [undefined, 1, 2, 3, undefined],
    )
    assert.deepEqual(idsOf(table), [1, 2, 3])
    assert.equal(table.size, 3)
  })

  for (const id of [1, 2, 3]) {
    it(`forgets entry ${id} alone, and keeps the order with the next`, () => {
      const table = three()
      table.delete(id)
      table.delete(id)
      assert.equal(table.get(id), undefined)
      assert.equal(table.size, 2)
      table.add({ id: 4 })
      assert.deepEqual(
        idsOf(table),
        [1, 2, 3, 4].filter((each) => each !== id),
      )
    })
  }

  it('lists each entry once when it is deleted while it is listed', () => {
    const table = three()
    const seen: number[] = []
    for (const { id } of table) {
      seen.push(id)
      table.delete(id)
    }
    assert.deepEqual(seen, [1, 2, 3])
    assert.equal(table.size, 0)
  })
})
