/** `pendshare doctor`: probes every backend, opens nothing. */
import type { Probe } from '@pendshare/core'
import { loaders } from '../loaders.ts'

export async function doctor({ json }: { json?: true }): Promise<void> {
  const probes = new Map<string, Probe>()
  for (const [name, load] of Object.entries(loaders)) probes.set(name, await (await load()).probe())
  if (json) console.log(JSON.stringify(Object.fromEntries(probes), undefined, 2))
  else for (const [name, probe] of probes) print(name, probe)
  const real = [...probes].filter(([name, probe]) => name !== 'mock' && probe.usable)
  if (!json) {
    const names = real.map(([name]) => name).join(', ')
    console.log(
      real.length > 0 ? `usable: ${names}` : 'no driver is usable here; the mock is, when asked for by name',
    )
  }
  process.exitCode = real.length > 0 ? 0 : 1
}

function print(name: string, probe: Probe): void {
  if (probe.usable) console.log(`${name}: usable, ${probe.detail}`)
  else console.log(`${name}: ${probe.code}: ${probe.detail}\n  to do: ${probe.remedy}`)
}
