/** Rings: records come whole, in order, each once; what has no room is counted; what is nonsense is caught. */
import assert from 'node:assert/strict'
import type { Share } from '@pendshare/core'
import { room } from '../law.ts'
import { batchesOf, lend, MANY_ROUNDS, rejects } from './steps.ts'

interface Message {
  readonly kind: number
  readonly bytes: Uint8Array
}

export const ring = room('ring', (law) => {
  for (const [payload, count] of [
    [8, 5000],
    [64, 3000],
    [1000, 500],
    [4088, 50],
  ] as const)
    law(
      `${count} records of ${payload} bytes, far more than the ring holds, come whole and in order`,
      ['liveMemory', 'peer blast'],
      async (context) => {
        const device = await context.open()
        const share = await lend(context, device, 4, { peer: 'blast', peerOptions: { payload, count } })
        let next = 0
        for await (const batch of batchesOf(context, share)) {
          const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength)
          batch.forEach((offset, length) => {
            assert.equal(length, payload)
            assert.equal(
              view.getBigUint64(offset, true),
              BigInt(next),
              'a record is missing, doubled or out of order',
            )
            for (let at = 8; at < length; at++)
              if (batch.bytes[offset + at] !== (next & 0xff))
                assert.fail(`byte ${at} of record ${next} is wrong`)
            next++
          })
        }
        assert.equal(next, count)
        assert.equal(share.ring.dropped, 0)
        assert.equal((await context.within('the end by the peer', share.ended)).reason, 'peer-ended')
      },
    )

  law('a clock ticks in order, and by the monotonic clock', ['liveMemory', 'peer clock'], async (context) => {
    const device = await context.open()
    const periodNs = Math.max(device.info.minPeriodNs, 200_000)
    const share = await lend(context, device, 16, {
      peer: 'clock',
      peerOptions: { periodNs, ticks: 50, payload: 24 },
    })
    let last = { tick: 0n, ns: 0n }
    let records = 0n
    const { ring } = share
    for await (const batch of batchesOf(context, share)) {
      const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength)
      batch.forEach((offset, length) => {
        assert.equal(length, 24)
        records++
        const [tick, ns] = [view.getBigUint64(offset, true), view.getBigUint64(offset + 8, true)]
        assert.ok(
          tick > last.tick && ns > last.ns,
          `tick ${tick} at ${ns} ns after ${last.tick} at ${last.ns} ns`,
        )
        last = { tick, ns }
        const absent = BigInt(ring.missed + ring.dropped)
        assert.ok(
          tick - records <= absent,
          `tick ${tick} after ${records} records, and ${absent} absent ones`,
        )
      })
    }
    assert.ok(last.tick >= 50n, `the last tick is ${last.tick}, not 50`)
  })

  law(
    'a ring that nobody reads keeps its first records, and counts what has no room',
    ['liveMemory', 'peer clock'],
    async (context) => {
      const device = await context.open()
      const periodNs = Math.max(device.info.minPeriodNs, 200_000)
      const share = await lend(context, device, 2, {
        peer: 'clock',
        peerOptions: { periodNs, ticks: 60, payload: 2000 },
      })
      const { ring } = share
      await context.within('the end by the peer', share.ended)
      let records = 0
      for await (const batch of batchesOf(context, share)) records += batch.records
      const served = records + ring.dropped
      assert.ok(served <= 60, `${served} records of 60 ticks`)
      assert.ok(served + ring.missed >= 60, `${60 - served} ticks made no record, ${ring.missed} were missed`)
      // A power of two behind the header of 4 KiB, from its start on; a record has a header of 8 bytes.
      const capacity = 2 ** Math.floor(Math.log2(share.memory.byteLength - 4096))
      const room = Math.floor(capacity / 2008)
      const message = `a ring of ${capacity} bytes holds ${room} records of 2000 bytes`
      assert.equal(records, Math.min(room, served), message)
    },
  )

  law(
    'what JavaScript sends, an echo sends back: every byte, length and kind, in order',
    ['liveMemory', 'peer echo'],
    async (context) => {
      const device = await context.open()
      const share = await lend(context, device, 8, { peer: 'echo' })
      const sent = Array.from({ length: MANY_ROUNDS }, (_, at) => message(at, share.ring.writer.maxPayload))
      const received = await context.within('the echo', exchange(share, sent))
      assert.equal(received.length, sent.length)
      for (const [at, { kind, bytes }] of sent.entries()) {
        assert.equal(received[at]?.kind, kind, `kind of record ${at}`)
        assert.equal(
          Buffer.compare(received[at]?.bytes ?? Buffer.alloc(0), bytes),
          0,
          `record ${at} of ${bytes.length} bytes differs`,
        )
      }
      assert.equal((await context.within('release()', share.release())).reason, 'released')
    },
  )

  law('many rings at once keep their records apart', ['liveMemory', 'peer echo'], async (context) => {
    const device = await context.open()
    const shares = await Promise.all(
      Array.from({ length: 10 }, () => lend(context, device, 4, { peer: 'echo' })),
    )
    const sent = shares.map((_, at) => [message(at, 100), message(at + 1000, 100)])
    const received = await context.within(
      'the echoes',
      Promise.all(shares.map((share, at) => exchange(share, sent[at] ?? []))),
    )
    assert.deepEqual(received, sent)
  })

  law(
    'a reader that waits is woken by a record, by its signal and by the end',
    ['liveMemory', 'peer echo'],
    async (context) => {
      const device = await context.open()
      const share = await lend(context, device, 4, { peer: 'echo' })
      const controller = new AbortController()
      const reading = (async () => {
        for await (const _ of share.ring.batches({ signal: controller.signal }));
      })()
      controller.abort(new Error('enough'))
      await assert.rejects(context.within('the aborted reading', reading), /enough/)
      assert.deepEqual(await context.within('the echo', exchange(share, [message(1, 100)])), [
        message(1, 100),
      ])
      const rest = (async () => {
        for await (const _ of share.ring.batches());
      })()
      await context.within('release()', share.release())
      await context.within('the reading of a share that has ended', rest)
    },
  )

  law(
    'after the end the writer is refused: ERR_PENDSHARE_ENDED naming the reason',
    ['liveMemory', 'peer echo'],
    async (context) => {
      const device = await context.open()
      const share = await lend(context, device, 4, { peer: 'echo' })
      await context.within('cancel()', share.cancel())
      const error = await rejects(context, 'the writer', 'ERR_PENDSHARE_ENDED', () => share.ring.writer)
      assert.match(error.message, /cancelled/)
    },
  )

  law(
    'a share whose peer speaks no rings has none: ERR_PENDSHARE_NO_RING',
    ['peer fill'],
    async (context) => {
      const device = await context.open()
      for (const share of [await lend(context, device, 4), await lend(context, device, 4, { peer: 'fill' })])
        await rejects(context, 'share.ring', 'ERR_PENDSHARE_NO_RING', () => share.ring)
    },
  )

  law(
    'a peer of rings needs room for one, and both accesses',
    ['peer clock', 'peer echo'],
    async (context) => {
      const device = await context.open()
      const { pageSize, minPeriodNs } = device.info
      const clock = { peer: 'clock', peerOptions: { periodNs: minPeriodNs } } as const
      const invalid = 'ERR_PENDSHARE_INVALID_ARGUMENT'
      for (const access of ['read', 'write'] as const)
        await rejects(context, `a clock with access '${access}'`, invalid, () =>
          device.share({ bytes: 4 * pageSize, access, ...clock }),
        )
      // A ring takes 4 KiB of header and at least 4 KiB of records; an echo has two of them.
      const small = [
        { bytes: pageSize, least: 8192, ...clock },
        { bytes: 3 * pageSize, least: 16384, peer: 'echo' },
      ] as const
      for (const { least, ...options } of small) {
        const attempt = () => device.share(options)
        if (options.bytes < least)
          await rejects(context, `${options.peer} in ${options.bytes} bytes`, invalid, attempt)
        else await context.within(`${options.peer} in ${options.bytes} bytes`, (await attempt()).release())
      }
      assert.equal(device.stats().pinnedPages, 0)
    },
  )
})

/** A record that no other has: its length, kind and bytes follow from `at`. */
function message(at: number, longest: number): Message {
  const bytes = new Uint8Array((at * 37) % (longest + 1))
  for (let index = 0; index < bytes.length; index++) bytes[index] = at + index * 7
  return { kind: at, bytes }
}

/** Sends all messages through an echo, and resolves with what has come back once it is as many. */
async function exchange(share: Share, messages: readonly Message[]): Promise<Message[]> {
  const { ring } = share
  const { writer } = ring
  const received: Message[] = []
  let sent = 0
  const send = () => {
    if (share.state !== 'pended') return
    for (let next = messages[sent]; next && writer.room(next.bytes.length); next = messages[++sent])
      writer.write(next.bytes, next.kind)
    writer.publish()
    // Also without a record: an echo that waits for room in the other ring learns of it in no other way.
    share.notify()
  }
  send()
  for await (const batch of ring.batches()) {
    batch.forEach((offset, length, kind) => {
      received.push({ kind, bytes: batch.bytes.slice(offset, offset + length) })
    })
    if (received.length === messages.length) break
    // The room of this batch is given back when the loop goes on.
    setImmediate(send)
  }
  return received
}
