/** The sources that the Debian packages are made of. That they carry the version of all else, `release` checks. */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeSourceTree } from '../debian/source.ts'

describe('the source tree', () => {
  let tree: string
  beforeAll(async () => {
    tree = await mkdtemp(join(tmpdir(), 'pendshare-tree-'))
    await writeSourceTree(tree, { version: '7.8.9' })
  })
  afterAll(() => rm(tree, { recursive: true, force: true }))

  it('holds what the module is made of, and nothing of the test beds', async () => {
    const files = await readdir(tree, { recursive: true })
    for (const file of ['debian/rules', 'linux/Kbuild', 'common/peers/fill.c', 'include/pendshare/abi.h'])
      expect(files).toContain(file)
    expect(files.filter((file) => /^linux\/(debian|test|peer-test)|\.k?o$/.test(file))).toEqual([])
  })

  it('is of the version that is asked for, wherever it stands', async () => {
    const text = (path: string) => readFile(join(tree, path), 'utf8')
    expect(await text('linux/main.c')).toContain('MODULE_VERSION("7.8.9");')
    expect(await text('include/pendshare/abi.h')).toContain('PENDSHARE_DRIVER_VERSION 0x070809u ')
    expect(await text('debian/changelog')).toMatch(/^pendshare \(7\.8\.9\)/)
  })

  it('has the times of the changelog and the modes of git', async () => {
    const { mode, mtimeMs } = await stat(join(tree, 'linux/sign.sh'))
    expect(mode & 0o777).toBe(0o755)
    expect((await stat(join(tree, 'linux/Kbuild'))).mode & 0o777).toBe(0o644)
    expect((await stat(join(tree, 'linux'))).mtimeMs).toBe(mtimeMs)
  })
})
