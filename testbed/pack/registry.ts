/** An npm registry on this machine that has the packed packages, so that one can type what the README says before there is a release. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mustRun } from '../command.ts'
import type { Tarball } from './tarballs.ts'

export interface Registry extends AsyncDisposable {
  readonly url: string
}

/** Has `tarballs`, and sends for all else to the registry that npm uses here. */
export async function serveRegistry(tarballs: readonly Tarball[]): Promise<Registry> {
  const upstream = (await mustRun(['npm', 'config', 'get', 'registry'])).stdout.trim().replace(/\/$/, '')
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '/').slice(1)
    const { port } = server.address() as AddressInfo
    answer(path, `http://localhost:${port}`, tarballs, upstream, response).catch(() => response.destroy())
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://localhost:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function answer(
  path: string,
  url: string,
  tarballs: readonly Tarball[],
  upstream: string,
  response: ServerResponse,
): Promise<void> {
  const packed = tarballs.find(({ manifest }) => path === manifest.name)
  const asked = tarballs.find(({ manifest }) => path === fileOf(manifest.name))
  if (packed) response.end(JSON.stringify(await describe(packed, url)))
  else if (asked) response.end(await readFile(asked.path))
  else response.writeHead(302, { location: `${upstream}/${path.replace('/', '%2f')}` }).end()
}

const fileOf = (name: string) => `${name}.tgz`

/** As registries have it: https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md */
async function describe({ path, manifest }: Tarball, url: string): Promise<unknown> {
  const { name, version } = manifest
  const integrity = `sha512-${createHash('sha512')
    .update(await readFile(path))
    .digest('base64')}`
  const dist = { tarball: `${url}/${fileOf(name)}`, integrity }
  return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } }
}
