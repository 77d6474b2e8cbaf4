/** The gate on the kernel log: every line by which a kernel says that something went wrong. What it finds fails the run. */

interface Sign {
  readonly name: string
  readonly pattern: RegExp
}

/** A line counts under the first sign that fits. */
const signs: readonly Sign[] = [
  { name: 'KASAN', pattern: /\bKASAN: / },
  { name: 'UBSAN', pattern: /\bUBSAN: / },
  { name: 'BUG', pattern: /\bBUG: |\bkernel BUG at / },
  {
    name: 'lockdep',
    pattern: /possible (circular|recursive|irq lock|unsafe)|\binconsistent lock state|irq lock inversion/,
  },
  {
    name: 'lockdep',
    pattern: /suspicious RCU usage|bad unlock balance|held lock freed|lock held when returning to user/,
  },
  { name: 'WARNING', pattern: /\bWARNING: / },
  {
    name: 'hung task',
    pattern: /blocked for more than \d+ seconds|workqueue lockup|soft lockup|hard LOCKUP/,
  },
  { name: 'RCU stall', pattern: /\bdetected stalls? on CPUs|self-detected stall|expedited stalls/ },
  { name: 'leak', pattern: /\bunreferenced object 0x|new suspected memory leaks/ },
  { name: 'debug objects', pattern: /\bODEBUG: / },
  { name: 'list corruption', pattern: /list_(add|del) corruption|refcount_t: / },
  { name: 'fault', pattern: /general protection fault|stack segment:|double fault|Unable to handle kernel/i },
  { name: 'Oops', pattern: /\bOops(:| )/ },
  { name: 'out of memory', pattern: /Out of memory: Killed|invoked oom-killer/ },
  { name: 'INFO', pattern: /\bINFO: (?!lockdep is turned off)/ },
  { name: 'panic', pattern: /Kernel panic/ },
  { name: 'trace', pattern: /\bCall Trace:/ },
  { name: 'timeout', pattern: /pendshare-vm: out of time/ },
  { name: 'machine', pattern: /pendshare-vm: cannot / },
]

/** Lines that every clean boot of an emulated machine may print. */
const harmless: readonly RegExp[] = [/RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable/]

/** The lines of `log` that fail a run, each with the name of its kind in front, in order and without repetitions of one kind in a row. */
export function problemsIn(log: string): string[] {
  const problems: string[] = []
  let previous = ''
  for (const line of log.split('\n')) {
    const sign = signs.find(({ pattern }) => pattern.test(line))
    if (!sign || harmless.some((pattern) => pattern.test(line))) continue
    if (sign.name !== previous) problems.push(`${sign.name}: ${line.trim()}`)
    previous = sign.name
  }
  return problems
}
