/** What is left to type when a release lies packed: the only steps that others see. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Manifest, manifestsIn } from './versions.ts'

/** Those that need others come after them, so that no package can be installed whose dependencies are not there yet. */
async function inOrder(root: string): Promise<Manifest[]> {
  const manifests = await manifestsIn(root)
  const ordered: Manifest[] = []
  const visit = async (manifest: Manifest) => {
    if (ordered.includes(manifest)) return
    const text = await readFile(join(root, manifest.file), 'utf8')
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(text)
    const needed = Object.keys({ ...dependencies, ...optionalDependencies })
    for (const other of manifests) if (needed.includes(other.name)) await visit(other)
    ordered.push(manifest)
  }
  for (const manifest of manifests) await visit(manifest)
  return ordered
}

/** As pnpm names it. */
function tarballOf({ name, version }: Manifest): string {
  return `${name.replace('@', '').replace('/', '-')}-${version}.tgz`
}

export async function publishing(root: string, version: string, out: string): Promise<string> {
  const tarballs = (await inOrder(root)).map(tarballOf)
  return [
    '',
    'Nothing is published yet. What is left to type:',
    '',
    `  git tag -s v${version} -m 'pendshare ${version}'`,
    `  git push origin main v${version}`,
    `  cd ${out} && sha256sum --check SHA256SUMS`,
    ...tarballs.map((file) => `  npm publish --access public ./${file}`),
    `  gh release create v${version} --verify-tag --title 'pendshare ${version}' --notes-from-tag ./*`,
  ].join('\n')
}
