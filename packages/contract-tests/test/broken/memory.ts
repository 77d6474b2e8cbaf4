/** Backends that are wrong about the memory: who writes it, when, and how long it is held. */
import { Worker } from 'node:worker_threads'
import type { ShareId } from '@pendshare/core'
import { type Broken, bent, later, withRequests } from './bend.ts'

export const memory: readonly Broken[] = [
  {
    fault: 'writes into the memory after the end',
    law: 'reuse',
    says: /touched/,
    backend: withRequests((requests, { sink }) => ({
      sink: (batch) => {
        sink(batch)
        for (const { id, kind } of batch) {
          const memory = requests.get(id)?.memory
          if (kind === 'end' && memory) later(() => memory.fill(0x42))
        }
      },
    })),
  },
  {
    fault: 'ends a share while the peer still runs',
    law: 'reuse',
    says: /touched|are counted/,
    backend: withRequests((_requests, { device, sink }) => {
      const early = new Set<ShareId>()
      return {
        sink: (batch) => {
          const rest = batch.filter(({ id }) => !early.has(id))
          if (rest.length > 0) sink(rest)
        },
        device: {
          end(id, how) {
            if (early.has(id)) return false
            early.add(id)
            later(() => {
              sink([{ id, kind: 'end', reason: how === 'release' ? 'released' : 'cancelled', bytes: 0 }])
              setTimeout(() => device().end(id, how), 5)
            })
            return true
          },
        },
      }
    }),
  },
  {
    fault: 'leaks pages',
    law: 'reuse',
    says: /pages are counted/,
    backend: bent(({ device }) => {
      let leaked = 0
      return {
        device: {
          end: (id, how) => {
            leaked++
            return device().end(id, how)
          },
          stats: () => ({ ...device().stats(), pinnedPages: device().stats().pinnedPages + leaked }),
        },
      }
    }),
  },
  {
    fault: 'lends a copy',
    law: 'lease',
    says: /hung|byte/,
    backend: withRequests((requests, { device, sink }) => {
      const copies = new Map<ShareId, Uint8Array>()
      return {
        sink: (batch) => {
          for (const { id, kind } of batch)
            if (kind === 'end') requests.get(id)?.memory.set(copies.get(id) ?? [])
          sink(batch)
        },
        device: {
          share(request) {
            const { byteLength } = request.memory
            const copy = new Uint8Array(
              new SharedArrayBuffer(byteLength, { maxByteLength: byteLength }),
              0,
              byteLength,
            )
            copy.set(request.memory)
            copies.set(request.id, copy)
            return device().share({ ...request, memory: copy })
          },
        },
      }
    }),
  },
  {
    fault: 'lends the first page only',
    law: 'lease',
    says: /byte/,
    backend: bent(({ device }) => ({
      device: {
        share: (request) => device().share({ ...request, memory: request.memory.subarray(0, 4096) }),
      },
    })),
  },
  {
    fault: 'leaves what it refuses pinned',
    law: 'reuse',
    says: /pages are counted/,
    backend: bent(({ device }) => {
      let left = 0
      return {
        device: {
          async share(request) {
            try {
              await device().share(request)
            } catch (error) {
              left++
              throw error
            }
          },
          stats: () => ({ ...device().stats(), pinnedPages: device().stats().pinnedPages + left }),
        },
      }
    }),
  },
  {
    fault: 'gives out memory that can be detached',
    law: 'memory',
    says: /not shared memory/,
    backend: bent(() => ({ device: { allocate: (bytes) => new Uint8Array(bytes) } })),
  },
  {
    fault: 'ends a share when garbage is collected',
    law: 'memory',
    says: /50|hung/,
    backend: bent(({ device }) => {
      const collected = new FinalizationRegistry<ShareId>((id) => device().end(id, 'cancel'))
      return {
        device: {
          share(request) {
            collected.register({}, request.id)
            return device().share(request)
          },
        },
      }
    }),
  },
  {
    fault: 'counts no shares',
    law: 'states',
    says: /0 !== 1/,
    backend: bent(({ device }) => ({ device: { stats: () => ({ ...device().stats(), shares: 0 }) } })),
  },
  {
    fault: 'takes a thread for a share',
    law: 'threads',
    says: /started \d+ threads/,
    backend: bent(({ device }) => ({
      device: {
        share(request) {
          // It stays for the rest of the process: one that ends while another law counts would hide the next.
          if (request.id === 100) new Worker('setInterval(() => {}, 1000)', { eval: true }).unref()
          return device().share(request)
        },
      },
    })),
  },
]
