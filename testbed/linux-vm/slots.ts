/**
 * Slots with devices that are pulled out at the guest's request: what it is asked to let go of takes
 * another way through its kernel than what it lets go of by itself. QEMU is told by its machine protocol (QMP, docs/interop/qmp-spec of QEMU).
 */
import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { followFile } from './job.ts'

export interface Slots {
  /** As QEMU's -device takes them. Their names are `slot0` and so on, in this order. */
  readonly devices: readonly string[]
  /** Path of the socket on which QEMU listens. */
  readonly socket: string
}

/** QEMU's arguments for the slots, their devices and its socket. */
export function slotArguments({ devices, socket }: Slots): string[] {
  return [
    // Else QEMU asks by ACPI, and of several devices at once for some of them twice: the second takes the one that was plugged in again.
    ...['-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off'],
    ...['-qmp', `unix:${socket.replaceAll(',', ',,')},server=on,wait=off`],
    ...BRIDGES.flatMap((n) => ['-device', `pci-bridge,id=bridge${n},chassis_nr=${n + 1},shpc=on,msi=on`]),
    ...devices.flatMap((device, slot) => ['-device', `${device},id=slot${slot},${place(slot)}`]),
  ]
}

/**
 * Each switches one slot on or off at a time, which takes a second. They have the Standard Hot-Plug Controller: by that of PCI Express lockdep
 * reports an inversion of the kernel's own locks (reset_lock and pci_rescan_remove_lock in 6.12's pciehp), and checks nothing from then on.
 */
const BRIDGES = [0, 1, 2, 3, 4]

/** Where a device is plugged in. The first has a bridge for itself: by that it can be reset. A bridge has no slot 0. */
function place(slot: number): string {
  const others = BRIDGES.length - 1
  const bridge = slot === 0 ? 0 : 1 + ((slot - 1) % others)
  const address = slot === 0 ? 1 : 1 + Math.floor((slot - 1) / others)
  return `bus=bridge${bridge},addr=${address.toString(16)}`
}

/**
 * Pulls out each device whose name a line of the file `requests` has, and plugs it in again when the guest has let go of it, until
 * `over`; resolves with what went wrong. A machine that ends meanwhile is no problem.
 */
export async function pullOnRequest(
  { devices, socket }: Slots,
  requests: string,
  over: AbortSignal,
): Promise<readonly string[]> {
  const problems: string[] = []
  await writeFile(requests, '')
  await chmod(requests, 0o666)
  const monitor = await connect(socket, over)
  if (!monitor) return problems // there was no machine, or not for long
  const pull = async (name: string) => {
    const slot = Number(/^slot(\d+)$/.exec(name)?.[1])
    const device = devices[slot]
    if (!device) throw new Error(`there is no such slot: ${name}`)
    await monitor.remove(name, over)
    await monitor.execute('device_add', properties(`${device},id=${name},${place(slot)}`))
  }
  let rest = ''
  const following = followFile(requests, (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const name of lines)
      pull(name).catch((error: Error) => over.aborted || problems.push(`pulling ${name}: ${error.message}`))
  })
  await aborted(over)
  monitor.close()
  await following.stop()
  return problems
}

/** "edu,dma_mask=0xff" as QMP's device_add takes it, where a number is no text. */
function properties(device: string): Record<string, unknown> {
  const [driver, ...settings] = device.split(',')
  const values = settings.map((setting) => {
    const [name = '', value = ''] = setting.split('=')
    return [name, value.startsWith('0x') ? Number(value) : value]
  })
  return { driver, ...Object.fromEntries(values) }
}

interface Monitor {
  execute(command: string, args?: object): Promise<unknown>
  /** Asks for the device until the guest has let go of it: a guest that is still bringing it up takes no request. */
  remove(name: string, over: AbortSignal): Promise<void>
  close(): void
}

interface Message {
  readonly event?: string
  readonly data?: { readonly device?: string }
  readonly error?: { readonly desc: string }
  readonly id?: number
}

/** Milliseconds after which a request that was refused is made again. */
const REFUSED_MS = 100
/** And one that was not heard: a slot that is just being switched on drops it. It is not made twice for one that only takes its time. */
const UNHEARD_MS = 20_000

/** undefined: over before there was a machine to talk to. */
async function connect(path: string, over: AbortSignal): Promise<Monitor | undefined> {
  const socket = await dial(path, over)
  if (!socket) return undefined
  const answers = new Map<number, (message: Message) => void>()
  const gone = new Map<string, () => void>()
  createInterface(socket).on('line', (line) => {
    const message: Message = JSON.parse(line)
    if (message.id !== undefined) answers.get(message.id)?.(message)
    if (message.event === 'DEVICE_DELETED') gone.get(message.data?.device ?? '')?.()
  })
  // Who waits for an answer then gets none.
  const closed = new Promise<Message>((resolve) =>
    socket.once('close', () => resolve({ error: { desc: 'the machine is gone' } })),
  )
  let last = 0
  const execute = async (command: string, args: object = {}) => {
    const id = ++last
    const { promise, resolve } = Promise.withResolvers<Message>()
    answers.set(id, resolve)
    socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`)
    const { error } = await Promise.race([promise, closed])
    answers.delete(id)
    if (error) throw new Error(error.desc)
  }
  const remove = async (name: string, over: AbortSignal) => {
    const { promise, resolve } = Promise.withResolvers<'gone'>()
    gone.set(name, () => resolve('gone'))
    try {
      let end: unknown
      while (end !== 'gone' && !over.aborted) {
        const patience = await execute('device_del', { id: name }).then(
          () => UNHEARD_MS,
          () => REFUSED_MS,
        )
        const waiting = new AbortController()
        const signal = AbortSignal.any([over, waiting.signal])
        end = await Promise.race([promise, setTimeout(patience, undefined, { signal }).catch(() => {})])
        waiting.abort()
      }
    } finally {
      gone.delete(name)
    }
  }
  try {
    await execute('qmp_capabilities')
  } catch {
    return undefined
  }
  return { execute, remove, close: () => socket.destroy() }
}

/** QEMU makes its socket some time after it was started. */
async function dial(path: string, over: AbortSignal): Promise<Socket | undefined> {
  while (!over.aborted) {
    const socket = createConnection(path)
    try {
      await once(socket, 'connect')
      return socket.on('error', () => {})
    } catch {
      await setTimeout(50, undefined, { signal: over }).catch(() => {})
    }
  }
  return undefined
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}
