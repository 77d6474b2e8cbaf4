/** Frames that there cannot be: refused by the core, and by the driver where the core lets them pass. */
import assert from 'node:assert/strict'
import { type Device, Region } from '@pendshare/core'
import { room } from '../law.ts'
import { INVALID, type Refusal, refuses, share, wrong } from './refusals.ts'

/** No such slots, or none that this share could have. */
const slots =
  (frames: object, options: object = {}) =>
  (device: Device) =>
    device.share(
      wrong({
        bytes: 16 * device.info.pageSize,
        peer: 'capture',
        frames: { count: 4, bytes: device.info.pageSize, ...frames },
        ...options,
      }),
    )

const frames: Refusal[] = [
  { what: 'no slots', code: INVALID, says: /frames.count/, attempt: slots({ count: 0 }) },
  { what: 'more than 4096 slots', code: INVALID, says: /frames.count/, attempt: slots({ count: 4097 }) },
  { what: 'half a slot', code: INVALID, says: /frames.count/, attempt: slots({ count: 0.5 }) },
  { what: 'slots of no bytes', code: INVALID, says: /frames.bytes/, attempt: slots({ bytes: 0 }) },
  { what: 'slots that are not whole pages', code: INVALID, says: /pages/, attempt: slots({ bytes: 1000 }) },
  { what: 'slots over 1 GiB', code: INVALID, says: /frames.bytes/, attempt: slots({ bytes: 2 ** 31 }) },
  {
    what: 'more slots than the memory has room for',
    code: INVALID,
    says: /take/,
    attempt: slots({ count: 16 }),
  },
  {
    what: 'frames in read-only memory',
    code: INVALID,
    says: /access/,
    attempt: slots({}, { access: 'read' }),
  },
  {
    what: 'frames that nobody reads',
    code: INVALID,
    says: /access/,
    attempt: slots({}, { access: 'write' }),
  },
  { what: 'frames without a peer', code: INVALID, says: /peer/, attempt: slots({}, { peer: '' }) },
  { what: 'frames for a fill', code: INVALID, says: /speaks none/, attempt: slots({}, { peer: 'fill' }) },
  { what: 'a capture without frames', code: INVALID, says: /frames/, attempt: share({ peer: 'capture' }) },
]

export const framesRefusals = room('refusals', (law) => {
  for (const refusal of frames)
    law(`${refusal.what}: ${refusal.code}, and the driver hears nothing of it`, [], async (context) => {
      const device = await context.open()
      await refuses(context, device, refusal)
      assert.equal(context.witness(device).sightings.size, 1, 'the driver was asked')
    })

  law(
    'frames that do not fit their share or their peer, which the core let pass: ERR_PENDSHARE_INVALID_ARGUMENT',
    ['peer capture', 'peer fill'],
    async (context) => {
      const device = await context.open()
      const { pageSize } = device.info
      const good = { count: 2, bytes: pageSize }
      const capture = new Uint8Array(32)
      for (const [what, change] of Object.entries({
        'frames for a fill': { peer: 'fill', peerOptions: new Uint8Array(0) },
        'a capture without frames': { frames: undefined },
        'frames without a peer': { peer: '', peerOptions: new Uint8Array(0) },
        'frames in read-only memory': { access: 'read' },
        'slots that do not fit': { frames: { ...good, count: 64 } },
        'slots that are not whole pages': { frames: { ...good, bytes: 8 } },
        'more slots than there can be': { frames: { ...good, count: 4097 } },
      } as const)) {
        const { memory } = Region.allocate(8 * pageSize)
        const request = {
          id: 2 ** 40,
          memory,
          access: 'readwrite',
          peer: 'capture',
          peerOptions: capture,
          frames: good,
          reply: undefined,
          event: undefined,
          label: '',
          deadlineMs: undefined,
          ...change,
        } as const
        const attempt = async () => context.witness(device).share(request)
        await refuses(context, device, { what, code: INVALID, attempt })
      }
    },
  )
})
