/** drivers/abi.json: which release has which ABI, and what each ABI looks like. It is what the header is held to. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { broken, factsOf } from './layout.ts'

export const RECORD = 'drivers/abi.json'
const HEADER = 'drivers/include/pendshare/abi.h'

const AbiRecord = z.strictObject({
  /** Version of the project: number of its ABI. */
  releases: z.record(z.string(), z.int().positive()),
  /** Number of an ABI: the facts of layout.ts. */
  layouts: z.record(z.string(), z.array(z.string())),
})
type AbiRecord = z.infer<typeof AbiRecord>

interface Abi {
  readonly number: number
  readonly facts: readonly string[]
}

async function readRecord(root: string): Promise<AbiRecord> {
  return AbiRecord.parse(JSON.parse(await readFile(join(root, RECORD), 'utf8')))
}

async function readAbi(root: string): Promise<Abi> {
  const header = await readFile(join(root, HEADER), 'utf8')
  const number = /^#define PENDSHARE_ABI_VERSION (\d+)u$/m.exec(header)?.[1]
  if (number === undefined) throw new Error(`${HEADER} has no PENDSHARE_ABI_VERSION`)
  return { number: Number(number), facts: factsOf(header) }
}

/** What has changed since this ABI was recorded. Holds between releases, too. */
export async function layoutProblems(root: string): Promise<string[]> {
  const { layouts } = await readRecord(root)
  const { number, facts } = await readAbi(root)
  return broken(layouts[number] ?? [], facts).map(
    (fact) =>
      `${HEADER}: ABI ${number} had '${fact}'; what changes or goes needs a new PENDSHARE_ABI_VERSION`,
  )
}

/** What keeps `version` from being released with the header as it stands. */
export async function abiProblems(root: string, version: string): Promise<string[]> {
  const { releases, layouts } = await readRecord(root)
  const { number, facts } = await readAbi(root)
  const problems = await layoutProblems(root)
  const recorded = releases[version]
  const hint = '`npm run release -- version` records it'
  if (recorded === undefined) problems.push(`${RECORD}: no ABI for the release ${version}; ${hint}`)
  else if (recorded !== number)
    problems.push(`${RECORD}: release ${version} has ABI ${recorded}, but ${HEADER} says ${number}`)
  const latest = Math.max(0, ...Object.values(releases))
  if (number < latest) problems.push(`${HEADER}: ABI ${number} is older than ${latest}, which was released`)
  if (layouts[number] === undefined)
    problems.push(`${RECORD}: the layout of ABI ${number} is not there; ${hint}`)
  else if (broken(facts, layouts[number]).length > 0)
    problems.push(`${RECORD}: ABI ${number} has grown since its layout was recorded; ${hint}`)
  return problems
}

/** Records what the header says now as the ABI of `version`. Rejects where `layoutProblems` has some. */
export async function recordAbi(root: string, version: string): Promise<void> {
  const problems = await layoutProblems(root)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  const record = await readRecord(root)
  const { number, facts } = await readAbi(root)
  const next: AbiRecord = {
    releases: { ...record.releases, [version]: number },
    layouts: { ...record.layouts, [number]: [...facts] },
  }
  await writeFile(join(root, RECORD), `${JSON.stringify(next, undefined, 2)}\n`)
}
