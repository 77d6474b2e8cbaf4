/** What the tests share: a stepped driver with one open device, whose events are kept. */
import type { BackendDevice, BackendEvent, ShareRequest } from '@pendshare/core'
import { type MockOptions, type MockPeer, mock, type PeerShare, type SteppedMock } from '../src/index.ts'

const PAGE_SIZE = 4096

export interface Bench {
  readonly driver: SteppedMock
  readonly device: BackendDevice
  /** In the order of their delivery. */
  readonly events: BackendEvent[]
}

export async function bench(options: Omit<MockOptions, 'schedule'> = {}): Promise<Bench> {
  const driver = mock({ ...options, schedule: 'stepped' })
  const events: BackendEvent[] = []
  const device = await driver.open({ path: undefined, wakeup: undefined }, (batch) => events.push(...batch))
  return { driver, device, events }
}

export function request(id: number, given: Partial<ShareRequest> & { pages?: number } = {}): ShareRequest {
  const { pages = 1, ...rest } = given
  return {
    id,
    memory: new Uint8Array(new SharedArrayBuffer(pages * PAGE_SIZE)),
    access: 'readwrite',
    peer: '',
    peerOptions: new Uint8Array(0),
    frames: undefined,
    reply: undefined,
    event: undefined,
    label: '',
    deadlineMs: undefined,
    ...rest,
  }
}

/** Shares and runs until the driver has decided. */
export async function share({ driver, device }: Bench, wanted: ShareRequest): Promise<void> {
  await driver.until(Promise.resolve(device.share(wanted)))
}

/** The options of a built-in peer, as the core encodes them. */
export function options(...fields: number[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(fields, BigInt).buffer)
}

/** A peer that does nothing, and the shares it was attached to. */
export function idlePeer(name: string, more: Partial<MockPeer> = {}): MockPeer & { shares: PeerShare[] } {
  const shares: PeerShare[] = []
  const attach = (share: PeerShare) => {
    shares.push(share)
    return {}
  }
  return { name, shares, attach, ...more }
}

export const NOTHING = { shares: 0, pinnedPages: 0, chargedPages: 0 }
