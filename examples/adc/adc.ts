/** A card that interrupts for each of its samples, as programs know it, and a stand-in for it where there is none. */
import { type Mock, mock, mockPeer } from '@pendshare/backend-mock'
import { definePeer, formatRing, RingWriter } from 'pendshare'
import { z } from 'zod'

/** Each sample is two u32: its number, from 0, and its value. */
export const adc = definePeer({
  name: 'adc0',
  speaks: 'ring',
  options: z.strictObject({
    /** Samples until the share ends; 0: no end. */
    count: z.int().min(0).default(0),
  }),
  layout: { count: 'u32' }, // struct adc_options
})

const SAMPLE_BYTES = 8
const INPUTS = 13
const PERIOD_NS = 100_000

/** Does what the driver and the card do, in this process. */
const fakeAdc = mockPeer(adc, (share, { count }) => {
  formatRing(share.memory, { runs: true })
  const writer = new RingWriter(share.memory)
  const view = new DataView(writer.bytes.buffer, writer.bytes.byteOffset)
  let number = 0
  share.every(PERIOD_NS)
  const sample = () => {
    const at = writer.push(SAMPLE_BYTES)
    if (at >= 0) {
      view.setUint32(at, number, true)
      view.setUint32(at + 4, converted(number), true)
    }
    const last = ++number === count
    if (last ? writer.publish() : writer.publishLazily()) share.ring()
    if (last) share.end()
    return false
  }
  return { step: (_now, ticks) => ticks > 0 && sample() }
})

/** What the card makes of the n-th sample. */
export function converted(n: number): number {
  let product = 1
  for (let factor = 2; factor <= n % INPUTS; factor++) product = Math.imul(product, factor)
  return product >>> 0
}

export function withoutAdc(): Mock {
  return mock({ peers: [fakeAdc] })
}
