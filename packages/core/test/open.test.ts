import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { createOpen, open, PendshareError } from '../src/index.ts'
import { FakeBackend } from './fake.ts'

const setPlatform = (value: string) => Object.defineProperty(process, 'platform', { value })

describe('the choice', () => {
  const { platform } = process
  const loaded: string[] = []
  const loader = (name: string) => async () => {
    loaded.push(name)
    return new FakeBackend()
  }
  const openAny = createOpen({ linux: loader('linux'), windows: loader('windows'), mock: loader('mock') })

  beforeEach(() => {
    loaded.length = 0
    delete process.env.PENDSHARE_BACKEND
  })
  afterEach(() => {
    delete process.env.PENDSHARE_BACKEND
    setPlatform(platform)
  })

  it('is a backend object first, and loads nothing', async () => {
    process.env.PENDSHARE_BACKEND = 'mock'
    const { choice } = await openAny({ backend: new FakeBackend() })
    assert.deepEqual(choice, { backend: 'fake', why: 'given to open()' })
    assert.deepEqual(loaded, [])
  })

  it('is the option before the environment', async () => {
    process.env.PENDSHARE_BACKEND = 'mock'
    const { choice } = await openAny({ backend: 'linux' })
    assert.equal(choice.why, "open({ backend: 'linux' })")
    assert.deepEqual(loaded, ['linux'])
  })

  it('is the environment before the system', async () => {
    process.env.PENDSHARE_BACKEND = 'mock'
    const { choice } = await openAny()
    assert.equal(choice.why, 'PENDSHARE_BACKEND=mock')
    assert.deepEqual(loaded, ['mock'])
  })

  for (const [system, backend] of [
    ['linux', 'linux'],
    ['win32', 'windows'],
  ] as const) {
    it(`is ${backend} on ${system}, when nobody says anything`, async () => {
      setPlatform(system)
      process.env.PENDSHARE_BACKEND = ''
      const { choice } = await openAny({})
      assert.match(choice.why, new RegExp(`^the driver for ${system}`))
      assert.deepEqual(loaded, [backend])
    })
  }

  it('is never the mock by itself: a system without a driver is an error with a cure', async () => {
    setPlatform('darwin')
    await assert.rejects(openAny(), {
      code: 'ERR_PENDSHARE_NO_DRIVER',
      message: /darwin.*PENDSHARE_BACKEND=mock/,
    })
    assert.deepEqual(loaded, [])
  })

  it('does not fall back when the one chosen fails', async () => {
    const failing = createOpen({
      linux: async () => {
        throw new PendshareError('ERR_PENDSHARE_NO_DRIVER', 'modprobe pendshare')
      },
      mock: loader('mock'),
    })
    await assert.rejects(failing({ backend: 'linux' }), { code: 'ERR_PENDSHARE_NO_DRIVER' })
    assert.deepEqual(loaded, [])
  })

  for (const name of ['solaris', 'toString', '__proto__']) {
    it(`knows no backend '${name}'`, async () => {
      await assert.rejects(openAny({ backend: name }), {
        code: 'ERR_PENDSHARE_UNKNOWN_BACKEND',
        message: /known: linux, windows, mock$/,
      })
    })
  }

  it('open() of the core alone knows none by name', async () => {
    await assert.rejects(open({ backend: 'mock' }), { code: 'ERR_PENDSHARE_UNKNOWN_BACKEND' })
  })
})

describe('a backend that does not load', () => {
  const loading = (error: unknown) => createOpen({ linux: () => Promise.reject(error) })({ backend: 'linux' })

  it('has its own code under the permission model', async () => {
    const cause = Object.assign(new Error('Cannot load native addon'), { code: 'ERR_DLOPEN_DISABLED' })
    await assert.rejects(loading(cause), {
      code: 'ERR_PENDSHARE_ADDON_FORBIDDEN',
      message: /--allow-addons/,
      cause,
    })
  })

  it('keeps the cause otherwise', async () => {
    const cause = new Error('no such file')
    await assert.rejects(loading(cause), { code: 'ERR_PENDSHARE_ADDON', message: /no such file/, cause })
  })
})

describe('opening', () => {
  it('hands the backend path and wakeup', async () => {
    const backend = new FakeBackend()
    const seen: unknown[] = []
    const { open: openBackend } = backend
    backend.open = async (request, sink) => {
      seen.push(request)
      return openBackend.call(backend, request, sink)
    }
    await open({ backend, path: '/dev/pendshare1', wakeup: 'poll' })
    await open({ backend })
    assert.deepEqual(seen, [
      { path: '/dev/pendshare1', wakeup: 'poll' },
      { path: undefined, wakeup: undefined },
    ])
  })

  it('passes the error of the backend on, and wraps a foreign one', async () => {
    const backend = new FakeBackend()
    const own = new PendshareError('ERR_PENDSHARE_PERMISSION', 'join the group pendshare')
    backend.open = () => Promise.reject(own)
    await assert.rejects(open({ backend }), own)
    const cause = new Error('a bug')
    backend.open = () => Promise.reject(cause)
    await assert.rejects(open({ backend }), { code: 'ERR_PENDSHARE_SYSTEM', cause })
  })

  it('takes events that came while it opened', async () => {
    const backend = new FakeBackend()
    const { open: openBackend } = backend
    backend.open = async (request, sink) => {
      sink([{ id: 0, kind: 'removed' }])
      return openBackend.call(backend, request, sink)
    }
    assert.equal((await open({ backend })).state, 'removed')
  })

  const wrong: [what: unknown, at: RegExp][] = [
    [null, /expected object/],
    [{ backend: 7 }, /backend: expected the name of a backend or a Backend/],
    [{ backend: { name: 'half' } }, /backend: expected/],
    [{ backend: '' }, /backend: /],
    [{ path: 1 }, /path: /],
    [{ mock: true }, /"mock"/],
  ]
  for (const [options, message] of wrong) {
    it(`refuses ${JSON.stringify(options)}`, async () => {
      // @ts-expect-error: deliberately wrong
      await assert.rejects(open(options), { code: 'ERR_PENDSHARE_INVALID_ARGUMENT', message })
    })
  }
})
