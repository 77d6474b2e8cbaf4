/** A peer of the mock's that keeps to what `definePeer()` says of the real one. */
import type { Access, PeerDefinition } from '@pendshare/core'
import type { Attachment, MockPeer, PeerShare } from './peer.ts'

/** Answers the program while the peer attaches; what is left out is 0. Throws `ERR_PENDSHARE_INVALID_ARGUMENT` for what does not fit. */
export type Answer<Reply> = (reply: { readonly [K in keyof Reply]?: unknown }) => void

/** The stand-in for the kernel peer of `definition`: a program reaches both in the same way. `access`: as `MockPeer.access`. */
export function mockPeer<Input, Options, Reply>(
  definition: PeerDefinition<Input, Options, Reply>,
  attach: (share: PeerShare, options: Options, answer: Answer<Reply>) => Attachment,
  access?: Access,
): MockPeer {
  return {
    name: definition.name,
    ...(access && { access }),
    ...(definition.speaks === 'frames' && { frames: true as const }),
    attach: (share) =>
      attach(share, definition.decode(share.options), (reply) => share.reply(definition.encodeReply(reply))),
  }
}
