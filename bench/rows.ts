/** What is measured, how runs become figures, and whether a goal is met. */

/** One way to do the job of a case; a run is one figure in the case's unit. */
export interface Contender {
  readonly name: string
  run(): Promise<number>
}

/** Ours against one peer: `ours / peer` has to be at most, or at least, so much. */
export interface Goal {
  readonly peer: string
  readonly atMost?: number
  readonly atLeast?: number
}

/** One comparison: contenders that do the same job with the same parameters, taking turns. The first is ours. */
export interface Case {
  readonly row: string
  readonly parameters: Readonly<Record<string, number | string | boolean>>
  readonly unit: string
  readonly contenders: readonly [Contender, ...Contender[]]
  readonly goals: readonly Goal[]
}

/** A figure whose limit is a number of its own unit, not a ratio. */
export interface Limit {
  readonly row: string
  readonly parameters: Readonly<Record<string, number | string | boolean>>
  readonly unit: string
  readonly values: readonly number[]
  /** None: the figure is what others are measured by. */
  readonly atMost?: number
}

export interface Row {
  readonly row: string
  readonly contender: string
  readonly parameters: Readonly<Record<string, number | string | boolean>>
  readonly unit: string
  readonly runs: number
  readonly min: number
  readonly median: number
  readonly max: number
  /** `ours / this contender`, by medians. Of ours: against the peer whose goal it misses most, or has least to spare. */
  readonly ratioToPeer: number | null
  readonly goal: string | null
  readonly met: boolean | null
}

export interface Report {
  readonly machine: string
  readonly kernel: string
  /** `kvm`, `tcg` (emulated: only ratios mean anything) or `none`. */
  readonly accelerator: string
  readonly date: string
  readonly rows: readonly Row[]
}

/** Runs every contender once a round, so that what disturbs one disturbs all. */
export async function measure(it: Case, rounds: number, progress: (text: string) => void): Promise<Row[]> {
  const values = it.contenders.map((): number[] => [])
  for (const contender of it.contenders) await contender.run() // warms caches and the optimizing compiler
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of it.contenders.entries()) values[i]?.push(await contender.run())
  }
  const rows = judge(it, values)
  progress(
    `${it.row} ${describe(it.parameters)}: ${rows.map((row) => `${row.contender} ${format(row.median)}`).join(', ')} ${it.unit}`,
  )
  return rows
}

/** `values`: the runs of each contender, in the contenders' order. */
export function judge(it: Case, values: readonly (readonly number[])[]): Row[] {
  const ours = spread(values[0] ?? [])
  const verdicts = it.goals.map((goal) => {
    const index = it.contenders.findIndex(({ name }) => name === goal.peer)
    const ratio = ours.median / spread(values[index] ?? []).median
    const met =
      (goal.atMost === undefined || ratio <= goal.atMost) &&
      (goal.atLeast === undefined || ratio >= goal.atLeast)
    const spare = goal.atMost === undefined ? ratio / (goal.atLeast ?? 1) : goal.atMost / ratio
    return { peer: goal.peer, ratio, met, spare, text: goalText(goal) }
  })
  const tightest = verdicts.toSorted((a, b) => a.spare - b.spare)[0]
  return it.contenders.map(({ name }, i) => {
    const verdict = i === 0 ? tightest : verdicts.find(({ peer }) => peer === name)
    return {
      row: it.row,
      contender: name,
      parameters: it.parameters,
      unit: it.unit,
      ...spread(values[i] ?? []),
      ratioToPeer: verdict?.ratio ?? null,
      goal: verdict?.text ?? null,
      met: i === 0 && verdicts.length > 0 ? verdicts.every(({ met }) => met) : (verdict?.met ?? null),
    }
  })
}

export function judgeLimit(limit: Limit): Row {
  const figures = spread(limit.values)
  return {
    row: limit.row,
    contender: 'pendshare',
    parameters: limit.parameters,
    unit: limit.unit,
    ...figures,
    ratioToPeer: null,
    goal: limit.atMost === undefined ? null : `at most ${format(limit.atMost)} ${limit.unit}`,
    met: limit.atMost === undefined ? null : figures.median <= limit.atMost,
  }
}

function goalText({ peer, atMost, atLeast }: Goal): string {
  return atMost === undefined ? `at least ${atLeast} times ${peer}` : `at most ${atMost} times ${peer}`
}

function spread(values: readonly number[]): Pick<Row, 'runs' | 'min' | 'median' | 'max'> {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (index: number) => sorted[index] ?? Number.NaN
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2
  return { runs: sorted.length, min: at(0), median, max: at(sorted.length - 1) }
}

export function describe(parameters: Row['parameters']): string {
  return Object.entries(parameters)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')
}

/** Three digits that matter. */
export function format(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toFixed(digits)
}
