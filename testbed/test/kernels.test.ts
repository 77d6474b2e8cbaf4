/** Names of kernels, and the table that a run of all of them publishes. */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { kernelNames, specify } from '../linux-vm/kernels.ts'
import { type KernelEnd, publish } from '../linux-vm/publish.ts'
import { ROOT } from '../pages.ts'

describe('a kernel by name', () => {
  it.each([...kernelNames])('%s is known', (name) => {
    expect(specify(name)).toBeDefined()
  })

  it('may be a release as uname says it', () => {
    expect(specify('6.1.0-53-amd64')).toMatchObject({
      series: '6.1.0-53',
      flavour: 'amd64',
      suite: 'bookworm',
    })
    expect(specify('6.12.9+deb12-rt-amd64')).toMatchObject({ series: '6.12.9+deb12', flavour: 'rt-amd64' })
  })

  it.each(['', '7', 'Debug', '6.1-amd64; rm', '6.1.0-53-s390x'])(
    '%j is refused with the names that there are',
    (name) => {
      expect(() => specify(name)).toThrow(/^there is no kernel .*; there are: 6\.12, 6\.1, /)
    },
  )
})

describe('the published table', () => {
  const end = (name: string, failed = 0): KernelEnd => ({
    name,
    release: `release of ${name}`,
    results: { smoke: { passed: 10, failed, skipped: 0 }, uapi: { passed: 90, failed: 0, skipped: 1 } },
  })
  const all = kernelNames.map((name) => end(name))

  async function published(ends: readonly KernelEnd[], failed = 0): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'pendshare-publish-'))
    try {
      const page = join(directory, 'README.md')
      await cp(join(ROOT, 'drivers/linux/README.md'), page)
      await publish(ends, { passed: 1, failed, skipped: 0 }, page)
      return await readFile(page, 'utf8')
    } finally {
      await rm(directory, { recursive: true })
    }
  }

  it('has a row a kernel, and leaves the rest of the page as it is', async () => {
    const before = await readFile(join(ROOT, 'drivers/linux/README.md'), 'utf8')
    const after = await published(all)
    for (const name of kernelNames)
      expect(after).toMatch(
        new RegExp(`^\\| ${name} \\|.*\\| release of ${name} \\| 10 \\| 90, 1 skipped \\|$`, 'm'),
      )
    const frame = (text: string) => [text.split('<!-- from npm')[0], text.split('<!-- end -->')[1]]
    expect(frame(after)).toEqual(frame(before))
  })

  it('is refused when a test failed or a kernel is missing', async () => {
    await expect(published(all, 1)).rejects.toThrow(/only a run of all kernels in which nothing failed/)
    await expect(published(all.slice(1))).rejects.toThrow(/only a run of all kernels/)
  })
})
