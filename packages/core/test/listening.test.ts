/** What holds for every listener of the library: called in the wake-up, taken away at any time, and whole at the end. */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { ShareDoorbell } from '../src/doorbell.ts'
import { Iteration, type Source } from '../src/iteration.ts'
import { type Listening, listen } from '../src/listening.ts'
import type { ListenOptions } from '../src/schemas.ts'
import { openFake } from './fake.ts'
import { pair as framesPair } from './frames/kernel.ts'
import { pair } from './ring/ring.ts'

type Listener = (value: unknown) => void

interface Subject {
  listen(listener: Listener, options?: ListenOptions): Listening
  /** Makes one more value, and rings. */
  more(): void
  /** No more values will come. */
  end(): void
  /** Fails unless another may claim what the listener had. */
  free(): void
  /** Code of what a second listener throws; none where there can be several. */
  readonly inUse?: string
}

function ringSubject(form: 'listen' | 'listenSamples'): Subject {
  const { reader, send, bell } = pair()
  return {
    listen: (listener, options) =>
      form === 'listen'
        ? reader.listen(listener, options)
        : reader.listenSamples(Int8Array, listener, options),
    more: () => void send(1),
    end: () => bell.end(),
    free: () => reader.listen(() => {})[Symbol.dispose](),
    inUse: 'ERR_PENDSHARE_RING_IN_USE',
  }
}

function framesSubject(): Subject {
  const { frames, kernel, bell } = framesPair('capture')
  return {
    listen: (listener, options) => frames.listen(listener, options),
    more: () => {
      kernel.capture()
      kernel.publish()
    },
    end: () => bell.end(),
    free: () => frames.listen(() => {})[Symbol.dispose](),
    inUse: 'ERR_PENDSHARE_FRAMES_IN_USE',
  }
}

function doorbellSubject(): Subject {
  const bell = new ShareDoorbell('share 1')
  return {
    listen: (listener, options) => bell.listen(listener, options),
    more: () => bell.ring(1),
    end: () => bell.end('released'),
    free: () => {},
  }
}

const subjects: Record<string, () => Subject> = {
  'doorbell.listen()': doorbellSubject,
  'ring.listen()': () => ringSubject('listen'),
  'ring.listenSamples()': () => ringSubject('listenSamples'),
  'frames.listen()': framesSubject,
}

/** Turns of the microtask queue, in which a listener is called for what is there already. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await undefined
}

/** What nobody catches while `body` runs, and in the turn after. */
async function uncaught(body: () => Promise<void>): Promise<unknown[]> {
  const seen: unknown[] = []
  process.setUncaughtExceptionCaptureCallback((error) => seen.push(error))
  try {
    await body()
    await setImmediate()
  } finally {
    process.setUncaughtExceptionCaptureCallback(null)
  }
  return seen
}

for (const [name, subject] of Object.entries(subjects)) {
  describe(name, () => {
    it('is called in the call that wakes, once for each', async () => {
      const { listen, more } = subject()
      let calls = 0
      listen(() => calls++)
      await settle()
      for (let wanted = 1; wanted < 10; wanted++) {
        more()
        assert.equal(calls, wanted)
      }
    })

    it('is called for what is there already, soon, but not within listen()', async () => {
      const { listen, more } = subject()
      more()
      let calls = 0
      listen(() => calls++)
      assert.equal(calls, 0)
      await settle()
      assert.equal(calls, 1)
    })

    it('is not called once it is taken away: before its first call, within one, and between two', async () => {
      const { listen, more, free } = subject()
      let calls = 0
      const before = listen(() => calls++)
      more()
      before[Symbol.dispose]()
      await settle()
      assert.equal(calls, 0)
      await before.done
      const within = listen(() => {
        calls++
        within[Symbol.dispose]()
        free()
        more()
      })
      more()
      await settle()
      more()
      assert.equal(calls, 1)
      await within.done
      const between = listen(() => calls++)
      await settle()
      const seen = calls
      between[Symbol.dispose]()
      between[Symbol.dispose]()
      more()
      await settle()
      assert.equal(calls, seen)
      free()
    })

    it('hears of what comes during a call by the next one', async () => {
      const { listen, more } = subject()
      let [depth, calls] = [0, 0]
      listen(() => {
        assert.equal(++depth, 1)
        if (++calls < 5) more()
        depth--
      })
      await settle()
      more()
      assert.equal(calls, 5)
    })

    it('has its exceptions go where those of an event listener go, and is called on', async () => {
      const { listen, more } = subject()
      let calls = 0
      const errors = await uncaught(async () => {
        listen(() => {
          throw new Error(`in call ${++calls}`)
        })
        await settle()
        more()
        more()
      })
      assert.deepEqual(errors, [new Error('in call 1'), new Error('in call 2')])
    })

    it('is done at the end, after the last call, also when it ends within one', async () => {
      for (const within of [false, true]) {
        const { listen, more, end, free } = subject()
        const order: string[] = []
        const listening = listen(() => {
          order.push('call')
          if (!within || order.length > 1) return
          more()
          end()
          order.push('ended')
        })
        listening.done.then(() => order.push('done'))
        await settle()
        more()
        if (!within) end()
        await listening.done
        more()
        await settle()
        assert.deepEqual(order, within ? ['call', 'ended', 'call', 'done'] : ['call', 'done'])
        free()
      }
    })

    it('is done when there is nothing to come any more', async () => {
      const { listen, end } = subject()
      end()
      let calls = 0
      await listen(() => calls++).done
      assert.equal(calls, 0)
    })

    it('is taken away by its signal, which it then leaves alone', async () => {
      const { listen, more, end, free } = subject()
      const controller = new AbortController()
      const { signal } = controller
      let calls = 0
      const listening = listen(() => calls++, { signal })
      await settle()
      more()
      controller.abort()
      await listening.done
      more()
      await settle()
      assert.equal(calls, 1)
      assert.equal(getEventListeners(signal, 'abort').length, 0)
      free()
      await listen(() => calls++, { signal }).done
      await settle()
      assert.equal(calls, 1)
      free()
      const other = new AbortController().signal
      listen(() => {}, { signal: other })[Symbol.dispose]()
      end()
      await listen(() => {}, { signal: other }).done
      assert.equal(getEventListeners(other, 'abort').length, 0)
    })

    it('twice: each hears everything, or the second is refused and the first hears on', async () => {
      const { listen, more, inUse } = subject()
      const calls = [0, 0]
      const count = (at: number) => () => {
        ;(calls[at] as number)++
      }
      listen(count(0))
      if (inUse === undefined) listen(count(1))
      else assert.throws(() => listen(count(1)), { code: inUse })
      await settle()
      more()
      assert.deepEqual(calls, [1, inUse === undefined ? 1 : 0])
    })

    it('refuses what is no function, and options that are none', () => {
      const { listen, free } = subject()
      const invalid = (message: RegExp) => ({ code: 'ERR_PENDSHARE_INVALID_ARGUMENT', message })
      assert.throws(() => listen(7 as never), invalid(/listen(Samples)?\(\): listener: expected a function/))
      for (const options of [{ signal: 7 }, { other: 1 }, AbortSignal.abort()])
        assert.throws(() => listen(() => {}, options as never), invalid(/listen(Samples)?\(\): /))
      free()
    })
  })
}

describe('a batch that a listener is called with', () => {
  it('is stale when the call is over, and its room is free', async () => {
    const { reader, send } = pair()
    const kept: (() => void)[] = []
    let records = 0
    reader.listen((batch) => {
      batch.forEach(() => void records++)
      kept.push(() => batch.forEach(() => {}))
    })
    await settle()
    for (let round = 0; round < 500; round++) send(1, 2)
    assert.equal(records, 1000)
    for (const look of kept) assert.throws(look, { code: 'ERR_PENDSHARE_STALE_BATCH' })
  })

  it('goes back as far as it was taken: the rest comes again, to the next call and to the next consumer', async () => {
    const { reader, send } = pair()
    const seen: number[] = []
    const listening = reader.listen((batch) => {
      batch.take((_offset, _length, kind) => {
        seen.push(kind)
        return false
      })
      if (seen.length === 2) listening[Symbol.dispose]()
    })
    send(1, 2, 3)
    await listening.done
    for await (const batch of reader.batches()) {
      batch.forEach((_offset, _length, kind) => void seen.push(kind))
      break
    }
    assert.deepEqual(seen, [1, 2, 3])
  })
})

describe('a frame that a listener is called with', () => {
  it('goes back when the call is over, unless it is held or was given back', async () => {
    const { frames, kernel } = framesPair('capture', { count: 4 })
    const held: (typeof frames)[] = []
    let at = 0
    frames.listen((frame) => {
      if (at === 1) frame.hold()
      if (at === 2) frame.release()
      at++
    })
    for (let round = 0; round < 3; round++) kernel.capture()
    kernel.publish()
    await settle()
    assert.deepEqual([at, frames.held, held.length], [3, 1, 0])
  })

  it('goes back where the call throws, too', async () => {
    const { frames, kernel } = framesPair('capture')
    const errors = await uncaught(async () => {
      frames.listen(() => {
        throw new Error('mine')
      })
      kernel.capture()
      kernel.publish()
    })
    assert.deepEqual([errors.length, frames.held], [1, 0])
  })
})

describe('a source', () => {
  const dry: Source<number> = { look: () => undefined, listen: () => () => {} }
  const over = (source: Partial<Source<number>>, listener: (value: number) => void = () => {}) =>
    listen('listen()', { ...dry, ...source }, listener, {})

  it('that throws as it is entered has no listener', () => {
    const calls: string[] = []
    const enter = () => {
      throw new Error('no')
    }
    assert.throws(() => over({ enter, leave: () => calls.push('leave') }), /no/)
    assert.deepEqual(calls, [])
  })

  it('that throws when it is listened to has none either, and is left', () => {
    const calls: string[] = []
    const broken = () => {
      throw new Error('no')
    }
    assert.throws(
      () => over({ enter: () => calls.push('enter'), listen: broken, leave: () => calls.push('leave') }),
      /no/,
    )
    assert.deepEqual(calls, ['enter', 'leave'])
  })

  it('that throws when it is looked at ends the listening with that, and is left once', async () => {
    let left = 0
    let stopped = 0
    const look = () => {
      throw new Error('corrupt')
    }
    const listening = over({ look, leave: () => left++, listen: () => () => stopped++ })
    await assert.rejects(listening.done, /corrupt/)
    listening[Symbol.dispose]()
    assert.deepEqual([left, stopped], [1, 1])
  })

  it('that never runs dry lets the event loop have its turns', async () => {
    let [pauses, calls] = [0, 0]
    const pause = () => void pauses++
    const listening = over({ look: () => ({ value: 1, done: false }), pause }, () => calls++)
    for (let turn = 0; turn < 3; turn++) await setImmediate()
    listening[Symbol.dispose]()
    const seen = calls
    await setImmediate()
    assert.ok(pauses > 0 && calls > 1 && calls === seen, `${pauses} pauses, ${calls} calls, ${seen} seen`)
  })

  it('that has ended is read to its end without one', async () => {
    let left = 5
    const look = () => {
      for (const until = performance.now() + 1; performance.now() < until; );
      return left-- > 0
        ? ({ value: left, done: false } as const)
        : ({ value: undefined, done: true } as const)
    }
    const pause = () => assert.fail('a pause')
    let calls = 0
    await over({ look, pause, ended: true }, () => calls++).done
    assert.equal(calls, 5)
  })

  it('may wake at once, for nothing and more than once, an iteration too', async () => {
    let stops = 0
    const restless = (looks: number): Source<number> => ({
      look: () => (looks-- > 0 ? undefined : { value: 7, done: false }),
      listen: (wake) => {
        wake()
        wake()
        return () => stops++
      },
    })
    assert.deepEqual(await new Iteration(restless(3), undefined).next(), { value: 7, done: false })
    assert.equal(stops, 3)
    let calls = 0
    const listening = listen('listen()', restless(0), () => listening[Symbol.dispose]() ?? calls++, {})
    await listening.done
    assert.deepEqual([calls, stops], [1, 4])
  })
})

describe('the listeners of a share', () => {
  it('hear every ring before `ended` settles, and none after it', async () => {
    const { backend, device } = await openFake({ ends: false })
    const share = await device.share({ bytes: 4096 })
    const order: (number | string)[] = []
    const listening = share.doorbell.listen((count) => order.push(count))
    share.ended.then(({ reason }) => order.push(reason))
    listening.done.then(() => order.push('done'))
    await settle()
    backend.emit({ id: 1, kind: 'doorbell', count: 3 })
    backend.emit({ id: 1, kind: 'doorbell', count: 4 })
    backend.ended(1, 'peer-ended')
    assert.deepEqual(order, [3, 4])
    await settle()
    assert.deepEqual(order, [3, 4, 'done', 'peer-ended'])
  })

  it('may take one another away within one ring: who is gone is not called', async () => {
    const { backend, device } = await openFake({ ends: false })
    const share = await device.share({ bytes: 4096 })
    const order: string[] = []
    share.doorbell.listen(() => {
      order.push('first')
      second[Symbol.dispose]()
    })
    const second = share.doorbell.listen(() => order.push('second'))
    await settle()
    backend.emit({ id: 1, kind: 'doorbell', count: 1 })
    assert.deepEqual(order, ['first'])
  })

  it('may end it, and every other one, from within', async () => {
    const { backend, device } = await openFake({})
    const shares = [await device.share({ bytes: 4096 }), await device.share({ bytes: 4096 })]
    const ends: string[] = []
    for (const share of shares) {
      share.doorbell.listen(() => {
        for (const each of shares) each.release().then(({ reason }) => ends.push(reason))
      })
    }
    await settle()
    backend.emit({ id: 1, kind: 'doorbell', count: 1 }, { id: 2, kind: 'doorbell', count: 1 })
    await Promise.all(shares.map(({ ended }) => ended))
    await settle()
    assert.deepEqual(ends, ['released', 'released', 'released', 'released'])
  })
})
