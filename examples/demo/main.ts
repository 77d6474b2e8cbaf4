/**
 * `npm run demo`: the main job on whatever is here. A kernel fills memory that JavaScript already holds, rings, and gives the memory
 * back. `--vm` runs this same program in a virtual machine on a real kernel with the real driver.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { linux } from '@pendshare/backend-linux'
import { mock } from '@pendshare/backend-mock'
import { type Device, type End, open, PendshareError } from 'pendshare'
import { watchTheCard } from './card.ts'
import { printHistogram } from './histogram.ts'

const USAGE = `usage: npm run demo [-- options]
  --vm             run in a QEMU virtual machine on a real Debian kernel with the real driver
  --device NAME    with --vm: a card in that machine: edu, which comes with QEMU
  --kernel NAME    with --vm: 6.12 (default), 6.1, unstable, arm64 …: see npm run test:linux -- --list
  --backend NAME   mock or linux; default: linux when its driver is loaded, else the mock
  --help           this text`

const BYTES = 1 << 20
const ROUNDS = 50
const TICKS = 200
const FILL_PERIOD_NS = 20_000_000
const TICK_PERIOD_NS = 5_000_000

async function main(): Promise<number> {
  const flags = readFlags()
  if (typeof flags === 'string') {
    console.error(`demo: ${flags}\n${USAGE}`)
    return 2
  }
  if (flags.help) {
    console.log(USAGE)
    return 0
  }
  if (flags.vm) {
    const { demoInVm } = await import('./vm.ts')
    return demoInVm(flags.kernel, flags.device, fileURLToPath(import.meta.url))
  }
  await using device = await openWhatIsHere(flags.backend)
  if (flags.device !== undefined) {
    const card = `${flags.device}0`
    if (!device.info.peers.includes(card)) {
      console.error(
        `demo: there is no ${card} here; one in a virtual machine: npm run demo -- --vm --device edu`,
      )
      return 1
    }
    report(await watchTheCard(device, card))
    return 0
  }
  await watchTheKernelFill(device)
  await measureWakeUps(device)
  const { shares, pinnedPages } = device.stats()
  console.log(`\ndemo: done, ${shares} shares and ${pinnedPages} pinned pages left behind`)
  return shares + pinnedPages === 0 ? 0 : 1
}

function readFlags() {
  try {
    const { values } = parseArgs({
      options: {
        vm: { type: 'boolean', default: false },
        kernel: { type: 'string', default: '6.12' },
        backend: { type: 'string' },
        device: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
    return values
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** The first line of the demo: which backend and why. The mock is opted into here, by the demo, never by the library. */
async function openWhatIsHere(wish: string | undefined): Promise<Device> {
  if (wish === 'mock') return announce(await open({ backend: mock() }), 'because --backend asked for it')
  if (wish !== undefined) return announce(await open({ backend: wish }), 'because --backend asked for it')
  const probe = await linux.probe()
  if (probe.usable) return announce(await open({ backend: linux }), `because ${probe.detail}`)
  return announce(
    await open({ backend: mock() }),
    `in this process, because ${probe.detail} (a real kernel: npm run demo -- --vm)`,
  )
}

function announce(device: Device, why: string): Device {
  console.log(`backend: ${device.choice.backend}, ${why}`)
  console.log(`driver ${device.info.version}, peers: ${device.info.peers.join(', ')}\n`)
  return device
}

/** Lends 1 MiB to the peer `fill` and looks at the very same bytes after each doorbell. */
async function watchTheKernelFill(device: Device): Promise<void> {
  await using share = await device.share({
    bytes: BYTES,
    peer: 'fill',
    label: 'demo',
    peerOptions: { periodNs: FILL_PERIOD_NS, rounds: ROUNDS, first: 1 },
  })
  console.log(`lent ${BYTES / 1024} KiB to the peer "fill"; what JavaScript sees in it after each doorbell:`)
  const seen = new Set<number>()
  let rings = 0
  for await (const count of share.doorbell) {
    rings += count
    const byte = share.memory[BYTES - 1] ?? 0
    if (!seen.has(byte)) process.stdout.write(`${byte.toString(16).padStart(2, '0')} `)
    seen.add(byte)
  }
  const end = await share.ended
  console.log(`\n${rings} rings, ${seen.size} different fillings seen, no copy made`)
  if (end.reason !== 'peer-ended' || seen.size < 2)
    throw new Error(`the fill went wrong: ended as ${end.reason}`)
  report(end)
}

/** Lends a ring to the peer `clock`; each record carries the time of the ring, the same clock as `hrtime`. */
async function measureWakeUps(device: Device): Promise<void> {
  await using share = await device.share({
    bytes: 64 << 10,
    peer: 'clock',
    label: 'demo',
    peerOptions: { periodNs: TICK_PERIOD_NS },
  })
  console.log(`\nlent 64 KiB to the peer "clock"; from a tick in the driver to its record in JavaScript:`)
  const latencies: number[] = []
  const { ring } = share
  for await (const batch of ring.batches()) {
    const now = process.hrtime.bigint()
    const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength)
    batch.forEach((offset) => {
      latencies.push(Number(now - view.getBigUint64(offset + 8, true)) / 1000)
    })
    if (latencies.length >= TICKS) break
  }
  printHistogram(latencies.slice(0, TICKS), 'µs')
  const end = await share.release()
  console.log(
    `late: ${ring.missed} ticks that the timer missed; lost: ${ring.dropped} records without room in the ring`,
  )
  report(end)
}

function report(end: End): void {
  console.log(
    `the share ended: ${end.reason}, after ${end.heldForMs.toFixed(0)} ms, ${end.bytes} bytes written by the peer`,
  )
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof PendshareError)) throw error
  console.error(`demo: ${error.code}: ${error.message}`)
  process.exitCode = 1
}
