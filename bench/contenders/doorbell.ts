/** Row `doorbell`: from the driver's ring to JavaScript, beside the least that any way into this event loop can cost. */
import { createRequire } from 'node:module'
import { type Batch, type Device, open } from 'pendshare'
import type { Case, Contender } from '../rows.ts'

export const PERIOD_NS = 1_000_000
/** Of a run; the first ones are not counted, for V8 interprets on what it has not seen run some hundred times. */
export const RINGS = 1000
const WARM = 500
const WAKEUPS = ['poll', 'thread'] as const
/** How JavaScript waits for records, and how near to the floor each is to come. */
const WAYS = { listener: 1, promise: 1.25 } as const
type Way = keyof typeof WAYS

interface Floor {
  start(periodNs: number, callback: (stampNs: number) => void): () => void
}

/** Each run is the median over the rings that are counted. `addon`: path of the native floor. */
export function doorbellCases(addon: string): Case[] {
  const floor = createRequire(import.meta.url)(addon) as Floor
  return WAKEUPS.flatMap((wakeup) =>
    (Object.keys(WAYS) as Way[]).map((way) => ({
      row: 'doorbell to JavaScript',
      parameters: { wakeup, way },
      unit: 'µs',
      contenders: [doorbell(wakeup, way), eventfd(floor)] as const,
      goals: [{ peer: 'eventfd floor', atMost: WAYS[way] }],
    })),
  )
}

export function doorbell(wakeup: string, way: Way): Contender {
  return {
    name: 'pendshare',
    async run() {
      await using device: Device = await open({ backend: 'linux', wakeup })
      await using share = await device.share({
        bytes: 64 << 10,
        peer: 'clock',
        peerOptions: { periodNs: PERIOD_NS },
      })
      const all = new Latencies(share.memory)
      const note = (batch: Batch) => all.note(batch, Number(process.hrtime.bigint()))
      if (way === 'promise') for await (const batch of share.ring.batches()) if (note(batch)) break
      if (way === 'listener') {
        const listening = share.ring.listen((batch) => note(batch) && listening[Symbol.dispose]())
        await listening.done
      }
      return all.medianUs()
    },
  }
}

const RING_DATA = 4096
/** Where `clock` puts the time in its record. */
const STAMP = 8

/** From the time stamps in the records of `clock` to when they were seen. */
export class Latencies {
  readonly #view: DataView
  readonly #ns: number[] = []

  /** `memory`: of its share. */
  constructor(memory: Uint8Array) {
    this.#view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength)
  }

  /** Whether these are enough. */
  note(batch: Batch, now: number): boolean {
    batch.forEach((offset) => {
      this.#ns.push(now - Number(this.#view.getBigUint64(RING_DATA + offset + STAMP, true)))
    })
    return this.#ns.length >= RINGS
  }

  medianUs(): number {
    return medianUs(this.#ns)
  }
}

function eventfd(floor: Floor): Contender {
  return {
    name: 'eventfd floor',
    run() {
      const { promise, resolve } = Promise.withResolvers<number>()
      const latencies: number[] = []
      const stop = floor.start(PERIOD_NS, (stamp) => {
        latencies.push(Number(process.hrtime.bigint()) - stamp)
        if (latencies.length !== RINGS) return
        stop()
        resolve(medianUs(latencies))
      })
      return promise
    },
  }
}

function medianUs(nanoseconds: readonly number[]): number {
  const counted = nanoseconds.slice(WARM).sort((a, b) => a - b)
  return (counted[counted.length >> 1] ?? Number.NaN) / 1000
}
