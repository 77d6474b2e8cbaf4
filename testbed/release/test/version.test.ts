/** One command writes every version, and the tree that it leaves may be released. */
import { expect, it } from 'vitest'
import { checkTree } from '../check.ts'
import { writeVersion } from '../version.ts'
import { packed, versionOf } from '../versions.ts'
import { DATE, Tree } from './tree.ts'

const DEBIAN = `pendshare (0.1.0-1) unstable; urgency=medium

  * First.

 -- The pendshare authors <pendshare@example.org>  Thu, 01 Jan 2026 00:00:00 +0000
`

it('raises the version everywhere, and tells in the changelog what the changesets say', async () => {
  await using tree = await Tree.create()
  await tree.write('drivers/linux/debian/changelog', DEBIAN.replace('0.1.0', await versionOf(tree.root)))
  await tree.write('.changeset/one.md', '---\npendshare: minor\n---\n\nOne thing,\nin two lines.\n')
  await tree.write('.changeset/two.md', '---\n"@pendshare/core": patch\n---\n\nAnother.\n')
  const before = (await versionOf(tree.root)).split('.').map(Number)
  const version = await writeVersion(tree.root, DATE)
  expect(version).toBe(`${before[0]}.${(before[1] ?? 0) + 1}.0`)
  await tree.commit()
  expect(await checkTree(tree.root)).toEqual({ version, problems: [] })
  expect(await tree.read('CHANGELOG.md')).toContain(
    `## Unreleased\n\n## ${version} - 2026-01-31\n\n- One thing,\n  in two lines.\n- Another.\n\n## `,
  )
  expect(await tree.read('drivers/linux/debian/changelog')).toMatch(
    `pendshare (${version}-1) unstable; urgency=medium\n\n  * New release.\n\n` +
      ' -- The pendshare authors <pendshare@example.org>  Sat, 31 Jan 2026 12:00:00 +0000\n\npendshare (',
  )
})

it('keeps the version where there is no changeset, and changes nothing the second time', async () => {
  await using tree = await Tree.create()
  const version = await versionOf(tree.root)
  expect(await writeVersion(tree.root, DATE)).toBe(version)
  expect(await checkTree(tree.root)).toEqual({ version, problems: [] })
})

it('records an ABI that has grown, and a new one', async () => {
  await using tree = await Tree.create()
  const header = 'drivers/include/pendshare/abi.h'
  await tree.replace(header, '__u32 flags; /* 0 */\n\tPENDSHARE_U64 grace_ms;', '$&\n\tPENDSHARE_U64 more;')
  await writeVersion(tree.root, DATE)
  await tree.replace(header, /PENDSHARE_ABI_VERSION \d+u/, 'PENDSHARE_ABI_VERSION 99u')
  await tree.replace(header, 'PENDSHARE_NR_INFO 0x40', 'PENDSHARE_NR_INFO 0x50')
  await writeVersion(tree.root, DATE)
  await tree.commit()
  expect((await checkTree(tree.root)).problems).toEqual([])
})

it('writes nothing when the layout has changed under its number', async () => {
  await using tree = await Tree.create()
  await tree.write('.changeset/one.md', '---\npendshare: minor\n---\n\nOne.\n')
  await tree.replace('drivers/include/pendshare/abi.h', 'PENDSHARE_RELEASED = 1,', 'PENDSHARE_RELEASED = 11,')
  const before = await versionOf(tree.root)
  await expect(writeVersion(tree.root, DATE)).rejects.toThrow('needs a new PENDSHARE_ABI_VERSION')
  expect(await versionOf(tree.root)).toBe(before)
})

it('packs a version as INFO tells it', () => {
  expect(packed('0.1.0')).toBe('0x000100u')
  expect(packed('1.16.255')).toBe('0x0110ffu')
})
