/** Row `port`: a stream that the host feeds into a virtio port, to a handler in JavaScript: by frames of a share, and by read() of the kernel's own driver. */
import { closeSync, openSync, readdirSync, readSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Device } from 'pendshare'
import type { Case, Contender } from '../rows.ts'

/** As much as QEMU puts into a buffer; the kernel's own driver has buffers of as much. */
const BYTES = 4096
const RUN_MS = 2000
const DRIVERS = '/sys/bus/virtio/drivers'

/**
 * Takes the console, which is port 0, from the kernel's own driver, which has both at first. What that one has read before is lost,
 * and missed by nobody.
 */
function takePort(): void {
  for (const port of readdirSync(`${DRIVERS}/virtio_console`).filter((name) => name.startsWith('virtio'))) {
    if (!readdirSync(`${DRIVERS}/virtio_console/${port}/virtio-ports`).some((name) => name.endsWith('p0')))
      continue
    writeFileSync(`${DRIVERS}/virtio_console/unbind`, port)
    writeFileSync(`${DRIVERS}/pendshare-vport/bind`, port)
  }
}

/** What both do with what has come: look at its first and its last word. */
class Handler {
  bytes = 0
  sum = 0

  take(words: Int32Array, bytes: number): void {
    this.sum = (this.sum + (words[0] ?? 0) + (words[(bytes >> 2) - 1] ?? 0)) | 0
    this.bytes += bytes
  }

  /** MiB/s since `start`. */
  rate(start: number): number {
    return ((this.bytes / (performance.now() - start)) * 1000) / 2 ** 20
  }
}

function frames(device: Device): Contender {
  return {
    name: 'pendshare',
    async run() {
      await using share = await device.share({ peer: 'vport0-in', frames: { count: 128, bytes: BYTES } })
      const views: Int32Array[] = []
      const handler = new Handler()
      const start = performance.now()
      for await (using frame of share.frames) {
        const { slot, data, bytes } = frame
        views[slot] ??= new Int32Array(data.buffer, data.byteOffset, data.length >> 2)
        handler.take(views[slot], bytes)
        if (performance.now() - start >= RUN_MS) break
      }
      return handler.rate(start)
    },
  }
}

/** Of the kernel's own driver. */
function portFile(): string {
  return `/dev/${readdirSync('/dev').find((name) => /^vport\d+p[1-9]\d*$/.test(name))}`
}

/** Holds the event loop up while nothing comes. */
function blockingRead(): Contender {
  return {
    name: 'blocking read()',
    async run() {
      const fd = openSync(portFile(), 'r')
      const buffer = new Uint8Array(16 * BYTES)
      const words = new Int32Array(buffer.buffer)
      const handler = new Handler()
      const start = performance.now()
      while (performance.now() - start < RUN_MS) handler.take(words, readSync(fd, buffer))
      closeSync(fd)
      return handler.rate(start)
    },
  }
}

/** Leaves the event loop free, as ours does: libuv's threads read. */
function asyncRead(): Contender {
  return {
    name: 'async read()',
    async run() {
      await using file = await open(portFile())
      const buffer = new Uint8Array(16 * BYTES)
      const words = new Int32Array(buffer.buffer)
      const handler = new Handler()
      const start = performance.now()
      while (performance.now() - start < RUN_MS) handler.take(words, (await file.read(buffer)).bytesRead)
      return handler.rate(start)
    },
  }
}

export function portCase(device: Device): Case {
  takePort()
  return {
    row: 'virtio port to JavaScript',
    parameters: { bufferBytes: BYTES },
    unit: 'MiB/s',
    contenders: [frames(device), asyncRead(), blockingRead()],
    goals: [{ peer: 'async read()', atLeast: 1 }],
  }
}
