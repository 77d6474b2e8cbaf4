import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { describe, it } from 'vitest'
import { PendshareError, Region } from '../src/index.ts'
import { DEFAULT_OPTIONS, shareOptionsCheck } from '../src/schemas.ts'
import { INFO, openFake } from './fake.ts'

const checkBytes = shareOptionsCheck(INFO)
const check = (options: unknown) => checkBytes(options, 1 << 20)

it('no options are the default options', () => {
  assert.deepEqual(check({}), DEFAULT_OPTIONS)
  const undefinedOptions = {
    access: undefined,
    peer: undefined,
    peerOptions: undefined,
    doorbell: undefined,
    label: undefined,
    signal: undefined,
    deadlineMs: undefined,
  }
  assert.deepEqual(check(undefinedOptions), DEFAULT_OPTIONS)
})

describe('what is refused, with its path', () => {
  const wrong: [options: unknown, message: RegExp][] = [
    [null, /share\(\): .*expected object/],
    ['fill', /expected object/],
    [{ acces: 'read' }, /Unrecognized key: "acces"/],
    [{ access: 'none' }, /access: .*"read"\|"write"\|"readwrite"/],
    [{ peer: 7 }, /peer: .*expected string/],
    [{ peer: 'x'.repeat(32) }, /peer: expected at most 31/],
    [{ peer: 'two words' }, /peer: /],
    [{ peer: 'clöck' }, /peer: /],
    [{ label: 'ü'.repeat(16) }, /label: expected at most 31 bytes of UTF-8/],
    [{ label: 'a\0b' }, /label: /],
    [{ doorbell: -1 }, /doorbell: /],
    [{ doorbell: -1n }, /doorbell: /],
    [{ doorbell: 'x' }, /doorbell: expected an eventfd/],
    [{ signal: {} }, /signal: expected an AbortSignal/],
    [{ deadlineMs: 0 }, /deadlineMs: /],
    [{ deadlineMs: 1.5 }, /deadlineMs: /],
    [{ deadlineMs: Number.NaN }, /deadlineMs: /],
    [{ deadlineMs: 2 ** 31 }, /deadlineMs: /],
    [{ access: 'none', label: 1 }, /access: .*; label: /],
    [{ peer: 'own', peerOptions: new Uint8Array(4097) }, /peerOptions: expected at most 4096 bytes/],
    [{ peerOptions: {} }, /peerOptions: expected a Uint8Array/],
    [{ peer: 'own', peerOptions: { rate: 1 } }, /peerOptions: expected a Uint8Array/],
    [{ peer: 'fill', peerOptions: new Uint8Array(8) }, /peerOptions: /],
  ]
  for (const [options, message] of wrong) {
    it(`${inspect(options)}`, () => {
      assert.throws(() => check(options), { code: 'ERR_PENDSHARE_INVALID_ARGUMENT', message })
    })
  }

  it('bytes of a share', async () => {
    const { backend, device } = await openFake()
    for (const bytes of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '4096', 2n, undefined]) {
      // @ts-expect-error: deliberately wrong for some
      const sharing = device.share({ bytes })
      await assert.rejects(sharing, {
        code: 'ERR_PENDSHARE_INVALID_ARGUMENT',
        message: /^share\(\): bytes: /,
      })
    }
    assert.deepEqual(backend.calls, [])
  })

  it('what is neither a region nor a length', async () => {
    const { device } = await openFake()
    for (const target of [undefined, null, 4096, 'x', () => {}]) {
      // @ts-expect-error: deliberately wrong
      const sharing = device.share(target)
      await assert.rejects(sharing, {
        code: 'ERR_PENDSHARE_INVALID_ARGUMENT',
        message: /expected a Region, or/,
      })
    }
    // @ts-expect-error: deliberately wrong
    await assert.rejects(device.share(new Uint8Array(4096)), { code: 'ERR_PENDSHARE_INVALID_ARGUMENT' })
    // @ts-expect-error: deliberately wrong
    await assert.rejects(device.share({ bytes: 4096, colour: 'red' }), { message: /"colour"/ })
  })

  it('a region that was posted, which is only its fields', async () => {
    const { device } = await openFake()
    const posted: Region = structuredClone(Region.allocate(4096))
    await assert.rejects(device.share(posted), {
      code: 'ERR_PENDSHARE_INVALID_ARGUMENT',
      message: /a Region does not survive postMessage\(\); post its memory, and share Region.from\(memory\)/,
    })
    assert((await device.share(Region.from(posted.memory))).id > 0)
  })
})

it('the error says everything that is wrong and keeps it as cause', () => {
  try {
    check({ access: 1, label: 2 })
    assert.fail('was accepted')
  } catch (error) {
    assert(error instanceof PendshareError)
    assert.equal((error.cause as { issues: unknown[] }).issues.length, 2)
  }
})

it('bytes for a peer of one’s own are copied at the call', () => {
  const bytes = new Uint8Array([1, 2, 3])
  const { peerOptions } = check({ peer: 'own', peerOptions: bytes })
  bytes.fill(0)
  assert.deepEqual(peerOptions, new Uint8Array([1, 2, 3]))
})
