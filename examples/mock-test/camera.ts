/** The stand-in for the camera's driver: a frame at once and at each notification, and no more after the last. */
import type { MockPeer } from '@pendshare/backend-mock'

export function camera(lastFrame = Infinity): MockPeer {
  return {
    name: 'camera',
    access: 'write',
    attach(share) {
      let frame = 0
      share.wake()
      return {
        notify: () => share.wake(),
        step() {
          frame += 1
          share.memory.fill(frame)
          share.written(share.length)
          share.ring()
          if (frame === lastFrame) share.end()
          return false
        },
      }
    },
  }
}
