/**
 * Measures parts of the bench where they run, and writes their rows as JSON.
 * usage: guest.ts OUT RUNS DIRECTORY-OF-NATIVE-PROGRAMS PART…
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Device, open } from 'pendshare'
import { budgets } from './contenders/budget.ts'
import { doorbellCases } from './contenders/doorbell.ts'
import { frameCases, takeCase } from './contenders/frames.ts'
import { idleShares, manyRings, manyShares } from './contenders/many.ts'
import { mockCase } from './contenders/mock.ts'
import { pinInC, pinInJavaScript } from './contenders/pin.ts'
import { portCase } from './contenders/port.ts'
import { recordCases, sampleCases } from './contenders/stream.ts'
import { PARTS, type Part } from './parts.ts'
import { type Case, describe, format, judgeLimit, type Limit, measure, type Row } from './rows.ts'

const [out = '', runsText = '', native = '', ...wanted] = process.argv.slice(2)
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

const openDevice = () => open({ backend: 'linux' })

async function addCases(casesOn: (device: Device) => readonly Case[]): Promise<void> {
  await using device = await openDevice()
  for (const it of casesOn(device)) await addCase(it)
}

const parts: Record<Part, () => Promise<void>> = {
  async pin() {
    const inC = pinInC(join(native, 'pin'), runs)
    rows.push(...inC)
    for (const row of inC)
      console.log(
        `${row.row} ${describe(row.parameters)}: ${row.contender} ${format(row.median)} ${row.unit}`,
      )
  },
  async cycle() {
    await using device = await openDevice()
    addLimits(await pinInJavaScript(device, join(native, 'cycle.node'), runs))
  },
  stream: () => addCases((device) => recordCases(device, join(native, 'sender'))),
  samples: () => addCases(sampleCases),
  frames: () => addCases(frameCases),
  port: () => addCases((device) => [portCase(device)]),
  async doorbell() {
    for (const it of doorbellCases(join(native, 'floor.node'))) await addCase(it)
  },
  async budget() {
    await using device = await openDevice()
    addLimits(await budgets(device, join(native, 'cycle.node'), runs))
  },
  async many() {
    addLimits(await manyShares(openDevice, runs))
    await addCase(manyRings(join(native, 'floor.node')))
    addLimits([await idleShares(openDevice, runs)])
  },
  take: () => addCase(takeCase(join(native, 'cycle.node'))),
  async mock() {
    const [mockRow, mockDevice] = await mockCase()
    await addCase(mockRow)
    await mockDevice.close()
  },
}

for (const part of PARTS) if (wanted.includes(part)) await parts[part]()
writeFileSync(out, JSON.stringify(rows))
