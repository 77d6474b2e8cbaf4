/** What holds for every async iteration of the library: leaving, taking turns and aborting, in every state. */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { ShareDoorbell } from '../src/doorbell.ts'
import { Iteration } from '../src/iteration.ts'
import type { WaitOptions } from '../src/schemas.ts'
import { pair } from './ring/ring.ts'

type AnyIteration = AsyncGenerator<unknown, undefined, undefined>

interface Subject {
  iterate(options?: WaitOptions): AnyIteration
  /** Makes one more value; what was there before may be part of it. */
  more(): void
  /** No more values will come. */
  end(): void
  /** Fails unless another may claim what the iteration had. */
  free(): Promise<void>
}

function ringSubject(form: 'batches' | 'samples' | 'latest' | 'latestSamples'): Subject {
  const { reader, send, bell } = pair()
  const iterate = (options?: WaitOptions): AnyIteration => {
    if (form === 'samples' || form === 'latestSamples') return reader[form](Int8Array, options)
    return reader[form](options)
  }
  return {
    iterate,
    more: () => void send(1),
    end: () => bell.end(),
    free: async () => {
      await reader.toReadable().cancel()
    },
  }
}

function doorbellSubject(): Subject {
  const bell = new ShareDoorbell('share 1')
  return {
    iterate: (options) => bell.rings(options),
    more: () => bell.ring(1),
    end: () => bell.end('released'),
    free: async () => {},
  }
}

const subjects: Record<string, () => Subject> = {
  'doorbell.rings()': doorbellSubject,
  'ring.batches()': () => ringSubject('batches'),
  'ring.samples()': () => ringSubject('samples'),
  'ring.latest()': () => ringSubject('latest'),
  'ring.latestSamples()': () => ringSubject('latestSamples'),
}

const DONE = { value: undefined, done: true }
const REASON = new Error('no longer wanted')

for (const [name, subject] of Object.entries(subjects)) {
  describe(name, () => {
    it('left while it waits, settles both calls at once', async () => {
      const { iterate, free } = subject()
      const steps = iterate()
      const waiting = [steps.next(), steps.next()]
      assert.deepEqual(await steps.return(undefined), DONE)
      assert.deepEqual(await Promise.all(waiting), [DONE, DONE])
      await free()
    })

    it('thrown into while it waits, throws that and is done', async () => {
      const { iterate, free } = subject()
      const steps = iterate()
      const waiting = steps.next()
      await assert.rejects(steps.throw(REASON), REASON)
      assert.deepEqual(await waiting, DONE)
      assert.deepEqual(await steps.next(), DONE)
      await free()
    })

    it('left before, between and after its steps, and twice: done, and free for another', async () => {
      const { iterate, more, end, free } = subject()
      const before = iterate()
      await before.return(undefined)
      assert.deepEqual(await before.next(), DONE)
      const between = iterate()
      more()
      assert.equal((await between.next()).done, false)
      await between.return(undefined)
      await between.return(undefined)
      assert.deepEqual(await between.next(), DONE)
      await free()
      const after = iterate()
      end()
      while (!(await after.next()).done);
      await after.return(undefined)
      assert.deepEqual(await after.next(), DONE)
      await free()
    })

    it('left within its loop, by break, throw and disposal', async () => {
      const { iterate, more, free } = subject()
      more()
      for await (const _ of iterate()) break
      await free()
      more()
      const failing = async () => {
        for await (const _ of iterate()) throw REASON
      }
      await assert.rejects(failing, REASON)
      await free()
      const disposed = iterate()
      const waiting = disposed.next()
      await disposed[Symbol.asyncDispose]()
      await waiting
      assert.deepEqual(await disposed.next(), DONE)
      await free()
    })

    it('answers calls that overlap in their order', async () => {
      const { iterate, more, end } = subject()
      const steps = iterate()
      const order: number[] = []
      const answers = [0, 1, 2, 3].map((at) => steps.next().then(({ done }) => order.push(done ? -1 : at)))
      for (const answer of answers.slice(0, 3)) {
        more()
        await answer
      }
      end()
      await Promise.all(answers)
      assert.deepEqual(order, [0, 1, 2, -1])
    })

    it('aborted while it waits, between steps and before', async () => {
      const { iterate, more, free } = subject()
      const waits = new AbortController()
      const steps = iterate({ signal: waits.signal })
      const waiting = [steps.next(), steps.next()]
      waits.abort(REASON)
      await assert.rejects(waiting[0] as Promise<unknown>, REASON)
      assert.deepEqual(await waiting[1], DONE)
      assert.deepEqual(await steps.next(), DONE)
      await free()
      const between = new AbortController()
      const others = iterate({ signal: between.signal })
      more()
      await others.next()
      more()
      between.abort(REASON)
      await assert.rejects(others.next(), REASON)
      assert.deepEqual(await others.next(), DONE)
      await free()
      await assert.rejects(iterate({ signal: AbortSignal.abort(REASON) }).next(), REASON)
      await free()
    })

    it('listens to its signal only while it waits: nothing is left after 20,000 turns', async () => {
      const { iterate, more } = subject()
      const { signal } = new AbortController()
      for (let round = 0; round < 200; round++) {
        const steps = iterate({ signal })
        for (let step = 0; step < 100; step++) {
          const waiting = steps.next()
          more()
          await waiting
          assert.equal(getEventListeners(signal, 'abort').length, 0)
        }
        const waiting = steps.next()
        await steps.return(undefined)
        await waiting
      }
      assert.equal(getEventListeners(signal, 'abort').length, 0)
    })

    it('as a stream, closes when that is destroyed', async () => {
      const { iterate, free } = subject()
      const stream = Readable.from(iterate())
      stream.read()
      await setImmediate()
      stream.destroy()
      await finished(stream).catch(() => {})
      assert.equal(stream.closed, true)
      await free()
    })
  })
}

describe('a source', () => {
  const source = { look: () => undefined, listen: () => () => {} }

  it('that throws as it is entered is not left', async () => {
    const calls: string[] = []
    const steps = new Iteration(
      {
        ...source,
        enter: () => {
          throw REASON
        },
        leave: () => calls.push('leave'),
      },
      undefined,
    )
    await assert.rejects(steps.next(), REASON)
    assert.deepEqual(await steps.next(), DONE)
    assert.deepEqual(calls, [])
  })

  it('is entered by the first step, however long that comes after the iteration was made', async () => {
    const calls: string[] = []
    const steps = new Iteration(
      { ...source, enter: () => calls.push('enter'), pause: () => calls.push('pause') },
      undefined,
    )
    for (const until = performance.now() + 2; performance.now() < until; );
    const waiting = steps.next()
    assert.deepEqual(calls, ['enter'])
    await steps.return()
    await waiting
  })

  for (const where of ['look', 'listen'] as const) {
    it(`that throws in ${where}() ends the iteration with that`, async () => {
      let left = 0
      const steps = new Iteration(
        {
          ...source,
          [where]: () => {
            throw REASON
          },
          leave: () => left++,
        },
        undefined,
      )
      const overlapping = steps.next()
      await assert.rejects(overlapping, REASON)
      assert.deepEqual(await steps.next(), DONE)
      assert.equal(left, 1)
    })
  }

  it('may wake at once, for nothing and more than once', async () => {
    let looks = 0
    const steps = new Iteration<number>(
      {
        look: () => (++looks < 5 ? undefined : { value: looks, done: false }),
        listen: (wake) => {
          wake()
          wake()
          return () => {}
        },
      },
      undefined,
    )
    assert.deepEqual(await steps.next(), { value: 5, done: false })
  })
})
