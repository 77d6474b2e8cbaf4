/**
 * The peer `echo` copies every record of the inbound ring into the outbound one, in order and with its kind. Where that
 * is full the rest stays in the inbound ring until the next NOTIFY: nothing is dropped. In both cases it asks to be rung.
 */
import { formatRing, ringMemory } from '@pendshare/core'
import { RECORD_HEADER } from '@pendshare/core/ring/layout'
import { Inbound } from './inbound.ts'
import { checkFits, fields } from './options.ts'
import { Outbound } from './outbound.ts'
import type { MockPeer } from './peer.ts'

/** Copied by one step. */
const STEP_BYTES = 0x10000

export const echo: MockPeer = {
  name: 'echo',
  access: 'readwrite',
  attach(share) {
    fields(share.options, 0)
    const to = ringMemory(share.memory, 0, 2)
    const from = ringMemory(share.memory, 1, 2)
    checkFits(to.length, 0)
    formatRing(from)
    const outbound = new Outbound(share, to)
    const inbound = new Inbound(from)
    return { notify: () => share.wake(), step: () => copy(inbound, outbound) }
  },
}

/** True: there is more to copy right away. */
function copy(inbound: Inbound, outbound: Outbound): boolean {
  let bytes = 0
  let record = inbound.peek()
  while (record !== undefined && bytes < STEP_BYTES && outbound.room(record.length)) {
    const { offset, length, kind } = record
    outbound.bytes.set(inbound.bytes.subarray(offset, offset + length), outbound.reserve(length, kind))
    inbound.advance(record)
    bytes += RECORD_HEADER + length
    record = inbound.peek()
  }
  if (bytes > 0) {
    inbound.release()
    outbound.publish()
  }
  if (bytes >= STEP_BYTES) return true
  const empty = inbound.sleep()
  return record === undefined && !empty
}
