/** The card of docs/card.md as programs know it, and a stand-in for it where there is none. */
import { type Mock, mock, mockPeer } from '@pendshare/backend-mock'
import { definePeer } from 'pendshare'
import { z } from 'zod'

export const card = definePeer({
  name: 'card0',
  speaks: 'frames',
  options: z.strictObject({ bytes: z.int().min(1) }),
  layout: { bytes: 'u32' }, // struct card_options
  reply: { version: 'u32', bytes: 'u32' }, // struct card_reply
})

/** Does what the driver and the card do, in this process. */
const fakeCard = mockPeer(card, (share, asked, answer) => {
  const bytes = Math.min(2 ** Math.floor(Math.log2(asked.bytes)), 2048)
  const frames = share.frames({ playback: false })
  answer({ version: 0x10000ed, bytes })
  share.wake()
  const capture = () => {
    for (let frame = frames.take(); frame !== undefined; frame = frames.take())
      frames.give(frame.slot, { bytes, timestampNs: process.hrtime.bigint() })
    frames.publish()
    return !frames.sleep()
  }
  return { step: capture, notify: () => share.wake() }
})

export function withoutCard(): Mock {
  return mock({ peers: [fakeCard] })
}
