/** A histogram in a terminal: buckets that double in width, a bar each. */

const BAR = 40

export function printHistogram(values: readonly number[], unit: string): void {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  const buckets = new Map<number, number>()
  for (const value of values) {
    const bucket = Math.floor(Math.log2(Math.max(1, value)))
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1)
  }
  const tallest = Math.max(...buckets.values())
  const [first, last] = [Math.min(...buckets.keys()), Math.max(...buckets.keys())]
  for (let bucket = first; bucket <= last; bucket++) {
    const count = buckets.get(bucket) ?? 0
    const bar = '█'.repeat(Math.ceil((count / tallest) * BAR))
    console.log(`  < ${String(2 ** (bucket + 1)).padStart(8)} ${unit} ${String(count).padStart(5)} ${bar}`)
  }
  console.log(
    `  median ${at(0.5).toFixed(0)} ${unit}, 99 % under ${at(0.99).toFixed(0)} ${unit}, ${values.length} records`,
  )
}
