import { RingWriter, ringMemory } from '@pendshare/core'
import { PRODUCER, RECORD_GAP } from '@pendshare/core/ring/layout'
import { expect, test } from 'vitest'
import { Inbound } from '../../src/peers/inbound.ts'
import { type Bench, bench, options, request, share } from '../harness.ts'
import { drain } from './records.ts'

async function echoing(pages = 4) {
  const one = await bench()
  const wanted = request(1, { peer: 'echo', pages })
  await share(one, wanted)
  const to = new RingWriter(ringMemory(wanted.memory, 1, 2))
  const from = new Inbound(ringMemory(wanted.memory, 0, 2))
  return { one, wanted, to, from }
}

function notify({ device, driver }: Bench): void {
  device.notify(1)
  driver.run()
}

test('what comes in goes out, in order and with its kind, also records without a payload', async () => {
  const { one, to, from } = await echoing()
  to.write(Uint8Array.of(1, 2, 3), 7)
  to.write(new Uint8Array(0), 8)
  to.publish()
  notify(one)
  expect(drain(from)).toEqual([
    { kind: 7, payload: Uint8Array.of(1, 2, 3) },
    { kind: 8, payload: new Uint8Array(0) },
  ])
  expect(one.events).toEqual([{ id: 1, kind: 'doorbell', count: 1 }])
  one.device.end(1, 'release')
  one.driver.run()
  expect(one.events.at(-1)).toMatchObject({ bytes: 4096 + 16 + 8 })
})

test('records of all lengths go through both ends of the ring, many times around', async () => {
  const { one, to, from } = await echoing()
  for (let round = 0; round < 500; round++) {
    const payload = new Uint8Array((round * 37) % (to.maxPayload + 1)).fill(round)
    expect(to.write(payload, round)).toBe(true)
    to.publish()
    notify(one)
    expect(drain(from)).toEqual([{ kind: round, payload }])
  }
})

test('where the outbound ring is full the rest waits for the next notification', async () => {
  const { one, to, from } = await echoing()
  const send = () => {
    while (to.room(1000)) to.write(new Uint8Array(1000))
    to.publish()
    notify(one)
  }
  send()
  send()
  const first = drain(from).length
  notify(one)
  expect([first, drain(from).length]).toEqual([4, 4])
})

test('an owner who writes nonsense fails its share', async () => {
  for (const spoil of [
    (inbound: Uint8Array) => Atomics.store(new Int32Array(inbound.buffer, inbound.byteOffset), PRODUCER, 4),
    (inbound: Uint8Array) =>
      Atomics.store(new Int32Array(inbound.buffer, inbound.byteOffset), PRODUCER, 8192),
    (inbound: Uint8Array) => {
      new DataView(inbound.buffer, inbound.byteOffset).setUint32(4096, 0xffff_fff8, true)
      Atomics.store(new Int32Array(inbound.buffer, inbound.byteOffset), PRODUCER, 4096)
    },
    (inbound: Uint8Array) => {
      new DataView(inbound.buffer, inbound.byteOffset).setUint32(4096, 4096 - 8, true)
      Atomics.store(new Int32Array(inbound.buffer, inbound.byteOffset), PRODUCER, 4096)
    },
    (inbound: Uint8Array) => {
      new DataView(inbound.buffer, inbound.byteOffset).setUint32(4096, RECORD_GAP, true)
      Atomics.store(new Int32Array(inbound.buffer, inbound.byteOffset), PRODUCER, 8)
    },
    (inbound: Uint8Array) => {
      new DataView(inbound.buffer, inbound.byteOffset).setUint32(4096, RECORD_GAP + 4096 - 16, true)
      Atomics.store(new Int32Array(inbound.buffer, inbound.byteOffset), PRODUCER, 4096)
    },
  ]) {
    const { one, wanted } = await echoing()
    spoil(ringMemory(wanted.memory, 1, 2))
    notify(one)
    expect(one.events.at(-1)).toMatchObject({
      kind: 'end',
      reason: 'failed',
      error: { code: 'ERR_PENDSHARE_RING_CORRUPT' },
    })
  }
})

test('options, and shares too short for two rings, are refused', async () => {
  const one = await bench()
  for (const wanted of [{ pages: 3 }, { pages: 4, peerOptions: options(0) }]) {
    await expect(share(one, request(1, { peer: 'echo', ...wanted }))).rejects.toMatchObject({
      code: 'ERR_PENDSHARE_INVALID_ARGUMENT',
    })
  }
})
