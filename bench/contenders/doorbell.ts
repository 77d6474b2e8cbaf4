/** Row `doorbell`: from the driver's ring to JavaScript, beside the least that any way into this event loop can cost. */
import { createRequire } from 'node:module'
import { type Device, open } from 'pendshare'
import type { Case, Contender } from '../rows.ts'

const PERIOD_NS = 1_000_000
const RINGS = 300
const WAKEUPS = ['poll', 'thread'] as const

interface Floor {
  start(periodNs: number, callback: (stampNs: number) => void): () => void
}

/** Each run is the median over `RINGS` rings. `addon`: path of the native floor. */
export function doorbellCases(addon: string): Case[] {
  const floor = createRequire(import.meta.url)(addon) as Floor
  return WAKEUPS.map((wakeup) => ({
    row: 'doorbell to JavaScript',
    parameters: { wakeup },
    unit: 'µs',
    contenders: [doorbell(wakeup), eventfd(floor)],
    goals: [{ peer: 'eventfd floor', atMost: 1.1 }],
  }))
}

function doorbell(wakeup: string): Contender {
  return {
    name: 'pendshare',
    async run() {
      await using device: Device = await open({ backend: 'linux', wakeup })
      await using share = await device.share({
        bytes: 64 << 10,
        peer: 'clock',
        peerOptions: { periodNs: PERIOD_NS },
      })
      const view = new DataView(share.memory.buffer, share.memory.byteOffset, share.memory.byteLength)
      const latencies: number[] = []
      for await (const batch of share.ring.batches()) {
        const now = Number(process.hrtime.bigint())
        batch.forEach((offset) => {
          latencies.push(now - Number(view.getBigUint64(RING_DATA + offset + STAMP, true)))
        })
        if (latencies.length >= RINGS) break
      }
      return medianUs(latencies)
    },
  }
}

const RING_DATA = 4096
/** Where `clock` puts the time in its record. */
const STAMP = 8

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

function medianUs(nanoseconds: number[]): number {
  nanoseconds.sort((a, b) => a - b)
  return (nanoseconds[nanoseconds.length >> 1] ?? Number.NaN) / 1000
}
