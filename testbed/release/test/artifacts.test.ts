/** What a release consists of: which commands make it, what is summed up, and what is left to type. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { mustRun } from '../../command.ts'
import { commandsFor, makeArtifacts, writeSums } from '../artifacts.ts'
import { publishing } from '../publishing.ts'
import { manifestsIn, versionOf } from '../versions.ts'
import { Tree } from './tree.ts'

const lines = (commands: readonly (readonly string[])[]) => commands.map((argv) => argv.join(' '))

async function setScripts(tree: Tree, ...names: string[]): Promise<void> {
  const manifest = JSON.parse(await tree.read('package.json'))
  manifest.scripts = Object.fromEntries(names.map((name) => [name, 'true']))
  await tree.write('package.json', JSON.stringify(manifest))
}

it('builds addons and Debian packages beside the packages where there is a script for it', async () => {
  await using tree = await Tree.create()
  await setScripts(tree, 'build')
  const built = lines(await commandsFor(tree.root, '1.2.3', '/out'))
  expect(built.filter((line) => line.startsWith('npm '))).toEqual(['npm run build'])
  await setScripts(tree, 'build', 'build:prebuilt', 'package:linux')
  const more = lines(await commandsFor(tree.root, '1.2.3', '/out'))
  expect(more.filter((line) => line.startsWith('npm '))).toEqual([
    'npm run build',
    'npm run build:prebuilt',
    'npm run package:linux -- --out /out',
  ])
})

it('packs every package, prebuilt ones too, and the sources of the drivers', async () => {
  await using tree = await Tree.create()
  await tree.write('packages/prebuilt/a/package.json', '{ "name": "@pendshare/a", "version": "1.2.3" }')
  const [pack, archive] = lines(await commandsFor(tree.root, '1.2.3', '/out')).slice(-2)
  for (const { name } of await manifestsIn(tree.root)) expect(pack).toContain(` --filter=${name} `)
  expect(pack).toContain(' --filter=@pendshare/a ')
  expect(archive).toMatch(/^git archive .*-o \/out\/pendshare-drivers-1\.2\.3\.tar\.gz HEAD LICENSE drivers$/)
})

it('puts nothing beside what lies there already', async () => {
  await using tree = await Tree.create()
  await tree.write('out/old.tgz', '')
  await expect(makeArtifacts(tree.root, '1.2.3', join(tree.root, 'out'))).rejects.toThrow(
    'out is not empty: old.tgz',
  )
})

it('sums up all files, as sha256sum checks them', async () => {
  await using tree = await Tree.create()
  await tree.write('out/b', 'b')
  await tree.write('out/debian/a', 'a')
  const out = join(tree.root, 'out')
  expect(await writeSums(out)).toEqual(['b', 'debian/a', 'SHA256SUMS'])
  await mustRun(['sha256sum', '--check', '--strict', 'SHA256SUMS'], { cwd: out })
})

it('publishes what is needed before what needs it', async () => {
  await using tree = await Tree.create()
  const version = await versionOf(tree.root)
  await tree.write(
    'packages/prebuilt/a/package.json',
    JSON.stringify({ name: '@pendshare/zz-prebuilt', version }),
  )
  const linux = 'packages/backend-linux/package.json'
  const manifest = JSON.parse(await tree.read(linux))
  await tree.write(
    linux,
    JSON.stringify({
      ...manifest,
      optionalDependencies: { ...manifest.optionalDependencies, '@pendshare/zz-prebuilt': version },
    }),
  )
  const text = await publishing(tree.root, version, '/out')
  const order = [...text.matchAll(/npm publish --access public \.\/(.*)-\d+\.\d+\.\d+\.tgz/g)].map(
    ([, name]) => name ?? '',
  )
  expect(order).toHaveLength((await manifestsIn(tree.root)).length)
  const before = (a: string, b: string) =>
    expect(order.indexOf(a), `${a}, ${b}`).toBeLessThan(order.indexOf(b))
  before('pendshare-core', 'pendshare-native')
  before('pendshare-zz-prebuilt', 'pendshare-backend-linux')
  before('pendshare-backend-linux', 'pendshare')
  expect(order.at(-1)).toBe('pendshare')
})
