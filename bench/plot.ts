/** The report as SVG plots, one a row that has several contenders: the median of each, with its spread; and where the time goes. */
import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import { describe, type Report, type Row } from './rows.ts'

const PLOTS: readonly { readonly file: string; readonly row: string; readonly log: boolean }[] = [
  { file: 'pin', row: 'share+release, C', log: true },
  { file: 'stream', row: 'kernel to JavaScript', log: true },
  { file: 'doorbell', row: 'doorbell to JavaScript', log: false },
  { file: 'samples', row: 'samples to JavaScript', log: true },
  { file: 'mock', row: 'share+release on the mock', log: false },
]
const BUDGET = 'budget: '

/** Names and SVG texts of the plots that this report has rows for. */
export async function plots(report: Report): Promise<[name: string, svg: string][]> {
  const drawn: [string, string][] = []
  for (const { file, row, log } of PLOTS) {
    const rows = report.rows.filter((candidate) => candidate.row === row)
    if (rows.length > 0) drawn.push([file, await draw(`${row} (${rows[0]?.unit})`, rows, report, log)])
  }
  const budget = report.rows.filter(({ row }) => row.startsWith(BUDGET))
  if (budget.length > 0) drawn.push(['budget', await render(stacked(budget, report))])
  return drawn
}

/** Where the time goes: a bar each, its steps one behind the other. */
function stacked(rows: readonly Row[], report: Report): TopLevelSpec {
  const values = rows.map(({ row, parameters: { step }, median }, order) => ({
    what: row.slice(BUDGET.length),
    step,
    order,
    us: Math.max(0, median),
  }))
  return {
    background: 'white',
    title: {
      text: 'Where the time goes (µs)',
      subtitle: `${report.kernel}, ${report.accelerator}; medians of each step`,
    },
    data: { values },
    width: 480,
    mark: 'bar',
    encoding: {
      y: { field: 'what', type: 'nominal', title: null, sort: null },
      x: { field: 'us', type: 'quantitative', title: null, stack: 'zero' },
      color: { field: 'step', type: 'nominal', title: null, sort: null, legend: { labelLimit: 0 } },
      order: { field: 'order' },
    },
  }
}

function render(spec: TopLevelSpec): Promise<string> {
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG()
}

async function draw(title: string, rows: readonly Row[], report: Report, log: boolean): Promise<string> {
  const values = rows.map((row) => ({ ...row, case: describe(row.parameters) }))
  const shared = {
    y: { field: 'contender', type: 'nominal', title: null, sort: null },
    color: { field: 'contender', type: 'nominal', legend: null, sort: null },
  } as const
  const scale = log ? ({ type: 'log' } as const) : ({ zero: true } as const)
  const spec: TopLevelSpec = {
    background: 'white',
    title: {
      text: title,
      subtitle: `${report.kernel}, ${report.accelerator}; medians, bars from lowest to highest run`,
    },
    data: { values },
    facet: {
      row: {
        field: 'case',
        type: 'nominal',
        title: null,
        sort: [...new Set(values.map((value) => value.case))], // as measured: 16 before 256
        header: { labelAngle: 0, labelAlign: 'left' },
      },
    },
    spec: {
      width: 480,
      layer: [
        {
          mark: { type: 'rule', strokeWidth: 2 },
          encoding: {
            ...shared,
            x: { field: 'min', type: 'quantitative', title: null, scale },
            x2: { field: 'max' },
          },
        },
        {
          mark: { type: 'point', filled: true, size: 70 },
          encoding: { ...shared, x: { field: 'median', type: 'quantitative', title: null, scale } },
        },
      ],
    },
  }
  return render(spec)
}
