/**
 * Virtio consoles of a machine whose other ends are files: what this side writes into a pipe comes out of the port in the guest, and
 * what the guest sends is appended to a file. A pipe that QEMU holds open for both directions never ends, and a file takes all: QEMU drops
 * what the other end of a console does not take at once.
 */
import { constants, openSync } from 'node:fs'
import { mkdir, open, symlink, writeFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { mustRun } from '../command.ts'

/** A port by its name: what is fed into it, and what must come out of it. */
export interface Port {
  readonly name: string
  /** Bytes of the stream that it gets; without: no end. */
  readonly bytes?: number
  /** Whether the guest sends the same bytes back; else what it sends is nobody's business. */
  readonly returned?: true
}

/** Of one port, as QEMU's -device takes it; `settings` begin with a comma. */
export function portDevices(name: string, settings = ''): readonly string[] {
  return [
    `virtio-serial-pci,id=bus-${name},max_ports=1,disable-legacy=on${settings}`,
    `virtconsole,bus=bus-${name}.0,nr=0,chardev=${name}`,
  ]
}

/** Of one port that has a name and numbers from 1 on, which the kernel's own driver makes a file of, and our example leaves alone. */
export function serialPortDevices(name: string): readonly string[] {
  return [
    `virtio-serial-pci,id=bus-${name},disable-legacy=on`,
    `virtserialport,bus=bus-${name}.0,nr=1,chardev=${name}`,
  ]
}

/** Makes the other ends; resolves with what QEMU's -chardev takes. */
export async function makePorts(directory: string, ports: readonly Port[]): Promise<readonly string[]> {
  await mkdir(directory)
  for (const { name, returned } of ports) {
    await mustRun(['mkfifo', join(directory, `${name}.in`)])
    const out = join(directory, `${name}.out`)
    await (returned ? writeFile(out, '') : symlink('/dev/null', out))
  }
  return ports.map(({ name }) => `pipe,id=${name},path=${join(directory, name).replaceAll(',', ',,')}`)
}

/** Feeds the ports until `over`; resolves with what is wrong with what came back. */
export async function servePorts(
  directory: string,
  ports: readonly Port[],
  over: AbortSignal,
): Promise<readonly string[]> {
  for (const { name, bytes } of ports)
    feed(join(directory, `${name}.in`), bytes ?? Number.MAX_SAFE_INTEGER, over)
  await new Promise((done) => over.addEventListener('abort', done, { once: true }))
  const problems: string[] = []
  for (const { name, bytes, returned } of ports) {
    const problem = returned && (await compare(join(directory, `${name}.out`), bytes ?? 0))
    if (problem) problems.push(`port ${name}: ${problem}`)
  }
  return problems
}

const CHUNK_BYTES = 1 << 20
/** Of successive words: no two places of less than 16 GiB look the same, and what is missing shows in the next word. */
const STEP = 0x9e37_79b1

/** Of the stream, the bytes from `offset` on, a multiple of 4. */
function fill(chunk: Uint32Array, offset: number): void {
  let word = Math.imul(offset / 4, STEP)
  for (let i = 0; i < chunk.length; i++) {
    chunk[i] = word
    word = (word + STEP) | 0
  }
}

function feed(path: string, bytes: number, over: AbortSignal): void {
  // For reading too, or it could not be opened before the machine has it open.
  const pipe = new Socket({
    fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK),
    readable: false,
    writable: true,
  })
  over.addEventListener('abort', () => pipe.destroy(), { once: true })
  let offset = 0
  const next = () => {
    if (over.aborted || offset >= bytes) return
    const chunk = new Uint32Array(Math.min(CHUNK_BYTES, bytes - offset) / 4)
    fill(chunk, offset)
    offset += chunk.byteLength
    pipe.write(new Uint8Array(chunk.buffer), next)
  }
  next()
}

/** What is wrong with the file, if anything is. */
async function compare(path: string, bytes: number): Promise<string | undefined> {
  await using file = await open(path)
  const { size } = await file.stat()
  if (size !== bytes) return `${size} bytes came back of ${bytes}`
  for (let offset = 0; offset < bytes; offset += CHUNK_BYTES) {
    const expected = new Uint32Array(Math.min(CHUNK_BYTES, bytes - offset) / 4)
    fill(expected, offset)
    const got = Buffer.alloc(expected.byteLength)
    await file.read(got, 0, got.length, offset)
    if (got.compare(new Uint8Array(expected.buffer)) !== 0)
      return `what came back differs between bytes ${offset} and ${offset + got.length}`
  }
  return undefined
}
