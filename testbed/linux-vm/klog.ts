/** The gate on the kernel log: every line by which a kernel says that something went wrong. What it finds fails the run. */

/** A line counts under the first sign that fits it. */
const signs: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['KASAN', /\bKASAN: (?!.*\binitialized)/],
  ['UBSAN', /\bUBSAN: /],
  [
    'lockdep',
    /possible (circular|recursive|irq lock|.*unsafe)|\binconsistent lock state|Invalid wait context/,
  ],
  [
    'lockdep',
    /suspicious RCU usage|bad unlock balance|held lock freed|lock held (when returning|at task exit)/,
  ],
  ['hung task', /blocked for more than \d+ seconds|(workqueue|soft|hard) lockup/i],
  ['RCU stall', /\bdetected (expedited )?stalls|self-detected stall/],
  ['page state', /\bBUG: Bad (page|rss-counter)/],
  ['leak', /\bunreferenced object 0x|new suspected memory leaks/],
  ['debug objects', /\bODEBUG: /],
  ['corruption', /\blist_(add|del) corruption|\brefcount_t: /],
  ['fault', /\bgeneral protection fault|\bstack segment:|\bdouble fault|\bunable to handle kernel/i],
  ['BUG', /\bBUG\b[: ]|\bkernel BUG at /],
  ['WARNING', /\bWARNING: /],
  ['Oops', /\bOops[: ]/],
  ['memory', /\bOut of memory: Killed|\binvoked oom-killer/],
  ['INFO', /\bINFO: /],
  ['panic', /\bKernel panic/],
  ['timeout', /\bpendshare-vm: out of time/],
  ['machine', /\bpendshare-vm: cannot /],
  ['trace', /\bCall Trace:/],
]

/** What clean boots print that only looks like trouble. */
const harmless = /RETBleed: WARNING: Spectre v2 mitigation/

/**
 * A debug exception in the kernel whose EFLAGS has bits above 21, which are 0 on every processor (Intel SDM, volume 1, 3.4.3): QEMU's
 * emulation has lost the flags, the one that traps among them. Such a report says nothing of who was interrupted.
 */
const lostFlags =
  /^.*\[ cut here \]-*\n.*exc_debug_kernel(?:(?!\[ end trace)[\s\S])*?EFLAGS: (?!00[0-3])[0-9a-f]{8}(?:(?!\[ end trace)[\s\S])*\[ end trace.*$/gm

/** Whether the kernel has died before the guest's first program ran: nothing that is tested had any part in it. */
export function diedBooting(log: string): boolean {
  return /\bKernel panic\b/.test(log) && !/pendshare-vm: alive/.test(log)
}

/** The lines of `log` that fail a run, their kind in front, in order. A stack trace belongs to the report above it. */
export function problemsIn(log: string): string[] {
  const found: { kind: string; text: string }[] = []
  for (const line of log.replaceAll(lostFlags, '').split('\n')) {
    const kind = signs.find(([, pattern]) => pattern.test(line))?.[0]
    if (!kind || harmless.test(line)) continue
    if (kind === found.at(-1)?.kind || (kind === 'trace' && found.length > 0)) continue
    found.push({ kind, text: line.replace(/^\[ *[\d.]+\] /, '').trim() })
  }
  return found.map(({ kind, text }) => `${kind}: ${text}`)
}
