import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'vitest'
import { BUILT_IN_PEERS } from '../src/peer/built-in.ts'
import { shareOptionsCheck } from '../src/schemas.ts'
import { INFO } from './fake.ts'

const checkBytes = shareOptionsCheck(INFO)
const check = (options: unknown) => checkBytes(options, 1 << 20)
const layout = (...fields: bigint[]) => new Uint8Array(new BigUint64Array(fields).buffer)

describe('options are laid out as abi.h has them', () => {
  const cases: [options: object, bytes: Uint8Array][] = [
    [{ peer: 'fill' }, layout()],
    [{ peer: 'fill', peerOptions: { periodNs: 50_000, rounds: 2, first: 255 } }, layout(50_000n, 2n, 255n)],
    [{ peer: 'clock', peerOptions: { periodNs: 50_000 } }, layout(50_000n, 16n)],
    [
      { peer: 'clock', peerOptions: { periodNs: 3.6e12, payload: 4096, ticks: 2 ** 53 - 1 } },
      layout(3_600_000_000_000n, 4096n, 9_007_199_254_740_991n),
    ],
    [{ peer: 'blast' }, layout(64n)],
    [{ peer: 'blast', peerOptions: { payload: 1 << 20, count: 9 } }, layout(1_048_576n, 9n)],
    [{ peer: 'blast', peerOptions: { payload: 1 << 20, runs: false } }, layout(1_048_576n)],
    [{ peer: 'blast', peerOptions: { runs: true } }, layout(64n, 0n, 1n)],
    [{ peer: 'clock', peerOptions: { periodNs: 50_000, runs: true } }, layout(50_000n, 16n, 0n, 1n)],
    [{ peer: 'echo' }, layout()],
    [{ peer: 'echo', peerOptions: {} }, layout()],
  ]
  for (const [options, bytes] of cases) {
    it(JSON.stringify(options), () => assert.deepEqual(check(options).peerOptions, bytes))
  }

  it('in the order of the fields of its structures', async () => {
    const header = await readFile(
      new URL('../../../drivers/include/pendshare/abi.h', import.meta.url),
      'utf8',
    )
    for (const [peer, { fields }] of Object.entries(BUILT_IN_PEERS)) {
      if (fields.length === 0) continue
      const body =
        header.match(new RegExp(`struct pendshare_${peer}_options \\{(.*?)\\n\\};`, 's'))?.[1] ?? ''
      const inHeader = [...body.matchAll(/PENDSHARE_U64 (\w+);/g)].map(([, name]) => name)
      const snake = fields.map((field) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
      assert.deepEqual(inHeader, snake, peer)
    }
  })
})

describe('what is refused', () => {
  const wrong: [options: object, message: RegExp][] = [
    [{ peer: 'fill', peerOptions: { periodNs: 49_999 } }, /peerOptions.periodNs: expected 0, or 50000 to/],
    [{ peer: 'fill', peerOptions: { first: 256 } }, /peerOptions.first: /],
    [{ peer: 'fill', peerOptions: { rounds: -1 } }, /peerOptions.rounds: /],
    [{ peer: 'fill', access: 'read' }, /access: peer 'fill' needs write or readwrite/],
    [{ peer: 'clock' }, /peerOptions.periodNs: /],
    [{ peer: 'clock', peerOptions: { periodNs: 49_999 } }, /peerOptions.periodNs: .*50000/],
    [{ peer: 'clock', peerOptions: { periodNs: 3.6e12 + 1 } }, /peerOptions.periodNs: /],
    [{ peer: 'clock', peerOptions: { periodNs: 50_000, payload: 15 } }, /peerOptions.payload: /],
    [
      { peer: 'clock', peerOptions: { periodNs: 50_000 }, access: 'write' },
      /access: peer 'clock' needs readwrite/,
    ],
    [{ peer: 'blast', peerOptions: { payload: 7 } }, /peerOptions.payload: /],
    [{ peer: 'blast', peerOptions: { pause: 1 } }, /peerOptions: .*"pause"/],
    [{ peer: 'blast', access: 'write' }, /access: peer 'blast' needs readwrite/],
    [{ peer: 'echo', peerOptions: { gain: 2 } }, /peerOptions: .*"gain"/],
  ]
  for (const [options, message] of wrong) {
    it(JSON.stringify(options), () =>
      assert.throws(() => check(options), { code: 'ERR_PENDSHARE_INVALID_ARGUMENT', message }),
    )
  }
})

describe('the memory is long enough for the rings', () => {
  for (const [peer, least] of [
    ['fill', 4096],
    ['clock', 8192],
    ['blast', 8192],
    ['echo', 16_384],
  ] as const) {
    it(`${peer}: ${least} bytes`, () => {
      const options = { peer, peerOptions: peer === 'clock' ? { periodNs: 50_000 } : {} }
      checkBytes(options, least)
      if (least === 4096) return
      const tooShort = { code: 'ERR_PENDSHARE_INVALID_ARGUMENT', message: new RegExp(`bytes: .*${least}`) }
      assert.throws(() => checkBytes(options, least - 4096), tooShort)
    })
  }
})
