/** Backends that are wrong about what they refuse. */
import { PendshareError } from '@pendshare/core'
import { type Broken, bent, later } from './bend.ts'

export const refusals: readonly Broken[] = [
  {
    fault: 'refuses a share and ends it nevertheless',
    law: 'lease',
    says: /which was refused/,
    backend: bent(({ device, sink }) => ({
      device: {
        async share(request) {
          try {
            await device().share(request)
          } catch (error) {
            later(() => sink([{ id: request.id, kind: 'end', reason: 'closed', bytes: 0 }]))
            throw error
          }
        },
      },
    })),
  },
  {
    fault: 'refuses with an error of its own',
    law: 'refusals',
    says: /no PendshareError/,
    backend: bent(({ device }) => ({
      device: {
        share(request) {
          if (request.peer.startsWith('no-such')) throw new Error('ENOENT')
          return device().share(request)
        },
      },
    })),
  },
  {
    fault: 'refuses with the wrong code',
    law: 'refusals',
    says: /ERR_PENDSHARE_UNKNOWN_PEER/,
    backend: bent(({ device }) => ({
      device: {
        share(request) {
          if (request.peer.startsWith('no-such')) throw new PendshareError('ERR_PENDSHARE_SYSTEM', 'ENOENT')
          return device().share(request)
        },
      },
    })),
  },
  {
    fault: 'knows every peer',
    law: 'refusals',
    says: /./,
    backend: bent(({ device }) => ({
      device: {
        share: (request) =>
          device().share(request.peer.startsWith('no-such') ? { ...request, peer: '' } : request),
      },
    })),
  },
]
