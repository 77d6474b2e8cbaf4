/**
 * Measures every row where it runs: all of them beside a driver, or with `--host` those that need none. Writes the rows as JSON.
 * usage: guest.ts OUT RUNS DIRECTORY-OF-NATIVE-PROGRAMS [--host]
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'pendshare'
import { doorbellCases } from './contenders/doorbell.ts'
import { frameCases, takeCase } from './contenders/frames.ts'
import { manyShares } from './contenders/many.ts'
import { mockCase } from './contenders/mock.ts'
import { pinInC, pinInJavaScript } from './contenders/pin.ts'
import { portCase } from './contenders/port.ts'
import { streamCases } from './contenders/stream.ts'
import { type Case, describe, format, judgeLimit, type Limit, measure, type Row } from './rows.ts'

const [out = '', runsText = '', native = '', mode] = process.argv.slice(2)
const runs = Number(runsText)
const rows: Row[] = []

async function addCase(it: Case): Promise<void> {
  rows.push(...(await measure(it, runs, (text) => console.log(text))))
}

function addLimits(limits: readonly Limit[]): void {
  for (const limit of limits) {
    const row = judgeLimit(limit)
    rows.push(row)
    console.log(`${row.row} ${describe(row.parameters)}: ${format(row.median)} ${row.unit}`)
  }
}

async function withDriver(): Promise<void> {
  const openDevice = () => open({ backend: 'linux' })
  const inC = pinInC(join(native, 'pin'), runs)
  rows.push(...inC)
  for (const row of inC)
    console.log(`${row.row} ${describe(row.parameters)}: ${row.contender} ${format(row.median)} ${row.unit}`)
  await using device = await openDevice()
  addLimits(await pinInJavaScript(device, join(native, 'cycle.node'), runs))
  for (const it of streamCases(device, join(native, 'sender'))) await addCase(it)
  for (const it of frameCases(device)) await addCase(it)
  await addCase(portCase(device))
  for (const it of doorbellCases(join(native, 'floor.node'))) await addCase(it)
  addLimits(await manyShares(openDevice, runs))
}

if (mode !== '--host') await withDriver()
await addCase(takeCase(join(native, 'cycle.node')))
const [mockRow, mockDevice] = await mockCase()
await addCase(mockRow)
await mockDevice.close()
writeFileSync(out, JSON.stringify(rows))
