/** Every reason for which a release is refused, and that each is told with its file. */
import { expect, it } from 'vitest'
import { ROOT } from '../../pages.ts'
import { layoutProblems } from '../abi.ts'
import { checkTree } from '../check.ts'
import { versionOf, versionProblems } from '../versions.ts'
import { Tree } from './tree.ts'

const ABI_H = 'drivers/include/pendshare/abi.h'

it('this repository has one version, and its ABI is the recorded one', async () => {
  expect(await versionProblems(ROOT, await versionOf(ROOT))).toEqual([])
  expect(await layoutProblems(ROOT)).toEqual([])
})

it('a tree that fits together', async () => {
  await using tree = await Tree.create()
  const version = await versionOf(tree.root)
  expect(await checkTree(tree.root, `v${version}`)).toEqual({ version, problems: [] })
})

interface Change {
  readonly what: string
  readonly file: string
  readonly from: string | RegExp
  readonly to: string
  readonly says: RegExp
}

const CHANGES: readonly Change[] = [
  {
    what: 'a package',
    file: 'packages/core/package.json',
    from: /"version": "[^"]*"/,
    to: '"version": "9.9.9"',
    says: /^packages\/core\/package\.json: version is 9\.9\.9, not /,
  },
  {
    what: 'no three numbers',
    file: 'packages/pendshare/package.json',
    from: /"version": "[^"]*"/,
    to: '"version": "1.0.0-beta.1"',
    says: /^packages\/pendshare\/package\.json: '1\.0\.0-beta\.1' is not MAJOR\.MINOR\.PATCH$/,
  },
  {
    what: 'a number that is no byte',
    file: 'packages/pendshare/package.json',
    from: /"version": "[^"]*"/,
    to: '"version": "1.0.256"',
    says: /^packages\/pendshare\/package\.json: a part of 1\.0\.256 is over 255$/,
  },
  {
    what: 'no version at all',
    file: 'drivers/linux/main.c',
    from: /MODULE_VERSION\(.*\);/,
    to: '',
    says: /^drivers\/linux\/main\.c: no version where one is expected/,
  },
  {
    what: 'the Debian packages',
    file: 'drivers/linux/debian/changelog',
    from: /^pendshare \(.*?\)/,
    to: 'pendshare (9.9.9)',
    says: /^drivers\/linux\/debian\/changelog: version is 9\.9\.9, not /,
  },
  {
    what: 'the module',
    file: 'drivers/linux/main.c',
    from: /MODULE_VERSION\(.*\)/,
    to: 'MODULE_VERSION("9.9.9")',
    says: /^drivers\/linux\/main\.c: version is 9\.9\.9, not /,
  },
  {
    what: 'what INFO tells',
    file: ABI_H,
    from: /(PENDSHARE_DRIVER_VERSION) \S+/,
    to: '$1 0x090909u',
    says: /^drivers\/include\/pendshare\/abi\.h: version is 0x090909u, not 0x/,
  },
  {
    what: 'the Windows driver',
    file: 'drivers/windows/pendshare.vcxproj',
    from: /<TimeStamp>.*<\/TimeStamp>/,
    to: '<TimeStamp>9.9.9.0</TimeStamp>',
    says: /^drivers\/windows\/pendshare\.vcxproj: version is 9\.9\.9\.0, not \d+\.\d+\.\d+\.0$/,
  },
  {
    what: "the changelog's entry",
    file: 'CHANGELOG.md',
    from: /^## \d.*$/m,
    to: '',
    says: /^CHANGELOG\.md: no '## .* - DATE'/,
  },
  {
    what: 'what the entry tells',
    file: 'CHANGELOG.md',
    from: 'First version.\n',
    to: '',
    says: /^CHANGELOG\.md: the entry of .* is empty$/,
  },
  {
    what: 'a field that moved',
    file: ABI_H,
    from: /__u32 page_size;\n/,
    to: '__u32 other;\n__u32 page_size;\n',
    says: /abi\.h: ABI \d+ had 'struct pendshare_info .*'; what changes or goes needs a new PENDSHARE_ABI_VERSION$/,
  },
  {
    what: 'a field more where it was recorded without',
    file: ABI_H,
    from: 'PENDSHARE_U64 grace_ms; /* at most 3600000 */',
    to: 'PENDSHARE_U64 grace_ms;\nPENDSHARE_U64 more;',
    says: /^drivers\/abi\.json: ABI \d+ has grown since its layout was recorded/,
  },
  {
    what: 'what nobody can read',
    file: ABI_H,
    from: 'PENDSHARE_U64 grace_ms;',
    to: 'union grace;',
    says: /^struct pendshare_revoke: cannot lay out 'union grace'$/,
  },
  {
    what: 'an ABI that is not the recorded one',
    file: 'drivers/abi.json',
    from: /(?<before>"\d+\.\d+\.\d+": )\d+(?<after>\s*\})/,
    to: '$<before>99$<after>',
    says: /^drivers\/abi\.json: release .* has ABI 99, but .* says \d+$/,
  },
  {
    what: 'a release without an ABI',
    file: 'drivers/abi.json',
    from: /"releases": \{[^}]*\}/,
    to: '"releases": {}',
    says: /^drivers\/abi\.json: no ABI for the release /,
  },
  {
    what: 'an ABI that was never recorded',
    file: ABI_H,
    from: /PENDSHARE_ABI_VERSION \d+u/,
    to: 'PENDSHARE_ABI_VERSION 99u',
    says: /^drivers\/abi\.json: the layout of ABI 99 is not there/,
  },
  {
    what: 'an ABI that was left behind',
    file: 'drivers/abi.json',
    from: /"releases": \{/,
    to: '"releases": { "9.9.9": 99,',
    says: /abi\.h: ABI \d+ is older than 99, which was released$/,
  },
]

it.for(CHANGES)('refuses $what', async ({ file, from, to, says }) => {
  await using tree = await Tree.create()
  await tree.replace(file, from, to)
  const { problems } = await checkTree(tree.root)
  expect(problems).toContainEqual(expect.stringMatching(says))
})

it('refuses a tree with changes or files that are not committed', async () => {
  await using tree = await Tree.create()
  await tree.write('stray.txt', 'left here\n')
  expect((await checkTree(tree.root)).problems).toEqual(['the tree is not clean: stray.txt'])
})

it("refuses another version's tag", async () => {
  await using tree = await Tree.create()
  const version = await versionOf(tree.root)
  expect((await checkTree(tree.root, 'v9.9.9')).problems).toEqual([
    `the tag is v9.9.9, but the version ${version}`,
  ])
})

it('refuses a changeset that is in no release yet', async () => {
  await using tree = await Tree.create()
  await tree.write('.changeset/one.md', '---\npendshare: patch\n---\n\nOne.\n')
  await tree.commit()
  expect((await checkTree(tree.root)).problems).toEqual([
    expect.stringContaining('.changeset/one.md is in no release yet'),
  ])
})

it('refuses a prebuilt package and a Debian package of another version', async () => {
  await using tree = await Tree.create()
  await tree.write('packages/prebuilt/linux-x64/package.json', '{ "name": "x", "version": "9.9.9" }')
  await tree.write('drivers/linux/debian/changelog', 'pendshare (9.9.9-1) unstable; urgency=medium\n')
  await tree.commit()
  const { version, problems } = await checkTree(tree.root)
  expect(problems).toEqual([
    `packages/prebuilt/linux-x64/package.json: version is 9.9.9, not ${version}`,
    `drivers/linux/debian/changelog: version is 9.9.9, not ${version}`,
  ])
})
