/**
 * A program, or a worker, that owns shares and then goes away. Arguments: the fixture module, and the name of the act.
 * It says `ready` when its shares are live. An act that returns leaves it to Node whether the process stays alive.
 */
import { isMainThread, parentPort } from 'node:worker_threads'
import type { Device, Share } from '@pendshare/core'
import type { Subject } from '../subject.ts'

const PAGES = 16

type Act = (device: Device) => Promise<void>

const acts: Readonly<Record<string, Act>> = {
  async idle(device) {
    const share = await lend(device)
    share.notify()
    await share.doorbell.wait()
    await share.release()
    say('ready')
  },
  async live(device) {
    const share = await device.share({
      bytes: PAGES * device.info.pageSize,
      peer: 'fill',
      peerOptions: { periodNs: 5_000_000, rounds: 20 },
    })
    const { reason } = await share.unref().ref().ended
    say(reason)
  },
  async unreferenced(device) {
    const share = (await lend(device)).unref()
    say('ready')
    await share.ended
  },
  async waiting(device) {
    await lend(device)
    say('ready')
  },
  async exiting(device) {
    await lend(device)
    say('ready')
    process.exit(0)
  },
  async throwing(device) {
    await lend(device)
    say('ready')
    setImmediate(() => {
      throw new Error('an error that nobody catches')
    })
  },
  async closing(device) {
    await lend(device)
    void device.close()
    say('ready')
    process.exit(0)
  },
}

function lend(device: Device): Promise<Share> {
  return device.share({ bytes: PAGES * device.info.pageSize, peer: 'fill' })
}

function say(word: string): void {
  if (isMainThread) process.stdout.write(`${word}\n`)
  else parentPort?.postMessage(word)
}

async function main(): Promise<void> {
  const [fixture = '', name = ''] = process.argv.slice(2)
  const { open }: Pick<Subject, 'open'> = await import(fixture)
  const act = acts[name]
  if (act === undefined) throw new Error(`no act '${name}'`)
  await act(await open((backend) => backend))
}

void main()
