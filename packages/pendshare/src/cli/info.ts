/** `pendshare info`: what the chosen backend's driver offers. */
import { open } from '../index.ts'

export async function info({ backend, json }: { backend?: string; json?: true }): Promise<void> {
  await using device = await open(backend === undefined ? {} : { backend })
  const told = { ...device.choice, ...device.info, supports: device.supports, stats: device.stats() }
  if (json) {
    console.log(JSON.stringify(told, undefined, 2))
    return
  }
  console.log(`backend    ${told.backend} (${told.why})`)
  console.log(`driver     ${told.version}, ABI ${told.abi}`)
  console.log(`peers      ${told.peers.join(', ')}`)
  console.log(
    `limits     ${told.maxBytes} bytes a share, ${told.maxShares} shares a user, period ${told.minPeriodNs} ns`,
  )
  console.log(`pinned     ${told.stats.totalPinnedPages} pages of ${told.pageSize} bytes, by all users`)
}
