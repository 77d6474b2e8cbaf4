import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { it } from 'vitest'
import { PendshareError } from '../src/index.ts'
import { openFake } from './fake.ts'

it('channels tell of share, doorbell and end, in their order', async () => {
  const messages: [name: string | symbol, message: unknown][] = []
  const listen = (message: unknown, name: string | symbol) => messages.push([name, message])
  const names = ['pendshare:share', 'pendshare:doorbell', 'pendshare:end']
  for (const name of names) subscribe(name, listen)
  const { backend, device } = await openFake()
  const share = await device.share({ bytes: 4096 })
  backend.emit({ id: 1, kind: 'doorbell', count: 2 })
  const end = await share.release()
  for (const name of names) unsubscribe(name, listen)
  await (await device.share({ bytes: 4096 })).release()
  assert.deepEqual(messages, [
    ['pendshare:share', { share }],
    ['pendshare:doorbell', { share, count: 2 }],
    ['pendshare:end', { share, end }],
  ])
})

it('a share whose end overtakes the answer is told of first; a refused one never', async () => {
  const names: (string | symbol)[] = []
  const listen = (_: unknown, name: string | symbol) => names.push(name)
  subscribe('pendshare:share', listen)
  subscribe('pendshare:end', listen)
  let refuse = false
  const { backend, device } = await openFake({
    answer: async () => {
      if (refuse) throw new PendshareError('ERR_PENDSHARE_QUOTA', 'enough')
    },
  })
  const sharing = device.share({ bytes: 4096 })
  backend.ended(1, 'peer-ended')
  await sharing
  refuse = true
  await assert.rejects(device.share({ bytes: 4096 }))
  unsubscribe('pendshare:share', listen)
  unsubscribe('pendshare:end', listen)
  assert.deepEqual(names, ['pendshare:share', 'pendshare:end'])
})

it('NODE_DEBUG=pendshare prints a line for each', () => {
  const script = `
    import { FakeBackend, openFake } from './fake.ts'
    const { backend, device } = await openFake()
    const share = await device.share({ bytes: 4096, label: 'frames' })
    backend.emit({ id: 1, kind: 'doorbell', count: 2 })
    await share.release()
  `
  const args = ['--input-type=module-typescript', '-e', script]
  const env = { ...process.env, NODE_DEBUG: 'pendshare' }
  const { stderr } = spawnSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8', env })
  const lines = stderr.split('\n').map((line) => line.replace(/^PENDSHARE \d+: /, ''))
  assert.equal(lines[0], 'opened fake: given to open()')
  assert.equal(lines[1], 'share 1 (frames): 4096 bytes pended')
  assert.equal(lines[2], 'share 1 (frames): rung 2 times')
  assert.match(lines[3] ?? '', /^share 1 \(frames\): released after \d+ ms, 0 bytes$/)
})
