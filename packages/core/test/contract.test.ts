import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { it } from 'vitest'
import { END_REASONS } from '../src/index.ts'

it('reasons stand in the order of abi.h, from 1 on', async () => {
  const header = await readFile(new URL('../../../drivers/include/pendshare/abi.h', import.meta.url), 'utf8')
  const body = header.match(/enum pendshare_reason \{(.*?)\n\};/s)?.[1] ?? ''
  const inHeader = [...body.matchAll(/PENDSHARE_(\w+) = (\d+),/g)].map(([, name, value]) => [
    name,
    Number(value),
  ])
  const ours = END_REASONS.map((reason, index) => [reason.toUpperCase().replaceAll('-', '_'), index + 1])
  assert.deepEqual(inHeader, [['LIVE', 0], ...ours])
})
