import { describe, expect, it } from 'vitest'
import { diedBooting, problemsIn } from '../klog.ts'

const bad: readonly [kind: string, log: string][] = [
  ['KASAN', '[    5.1] BUG: KASAN: slab-use-after-free in share_end+0x4c/0x90 [pendshare]'],
  ['KASAN', '[    5.1] BUG: KASAN: vmalloc-out-of-bounds in fill+0x1/0x2 [pendshare]'],
  ['UBSAN', '[    5.1] UBSAN: array-index-out-of-bounds in /build/share.c:10:3'],
  ['BUG', '[    5.1] BUG: kernel NULL pointer dereference, address: 0000000000000008'],
  ['BUG', '[    5.1] BUG: sleeping function called from invalid context at kernel/locking/mutex.c:580'],
  ['BUG', '[    5.1] BUG: scheduling while atomic: node/71/0x00000002'],
  ['BUG', '[    5.1] kernel BUG at mm/gup.c:123!'],
  ['BUG', '[    5.1] BUG kmalloc-64 (Tainted: G           O      ): Objects remaining on shutdown'],
  ['WARNING', '[    5.1] WARNING: CPU: 1 PID: 70 at lib/refcount.c:28 refcount_warn_saturate+0xba/0x110'],
  ['lockdep', '[    5.1] WARNING: possible circular locking dependency detected'],
  ['lockdep', '[    5.1] WARNING: possible recursive locking detected'],
  ['lockdep', '[    5.1] WARNING: possible irq lock inversion dependency detected'],
  ['lockdep', '[    5.1] WARNING: inconsistent lock state'],
  ['lockdep', '[    5.1] WARNING: suspicious RCU usage'],
  ['lockdep', '[    5.1] WARNING: held lock freed!'],
  ['lockdep', '[    5.1] WARNING: lock held when returning to user space!'],
  ['lockdep', '[    5.1] [ BUG: Invalid wait context ]'],
  ['hung task', '[   65.1] INFO: task rmmod:81 blocked for more than 30 seconds.'],
  ['hung task', '[   65.1] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [node:70]'],
  ['hung task', '[   65.1] BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 31s!'],
  ['RCU stall', '[   65.1] rcu: INFO: rcu_preempt self-detected stall on CPU'],
  ['RCU stall', '[   65.1] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:'],
  ['leak', '[   15.1] pendshare-vm: unreferenced object 0xffff888004a3c000 (size 64):'],
  ['leak', '[   15.1] kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)'],
  ['debug objects', '[    5.1] ODEBUG: free active (active state 0) object: ffff88800 object type: hrtimer'],
  ['corruption', '[    5.1] list_del corruption. prev->next should be ffff8880, but was ffff8881'],
  ['corruption', '[    5.1] refcount_t: underflow; use-after-free.'],
  [
    'fault',
    '[    5.1] general protection fault, probably for non-canonical address 0xdead000000000108: 0000 [#1]',
  ],
  ['fault', '[    5.1] Oops: general protection fault, maybe for address 0x0: 0000 [#1] PREEMPT SMP KASAN'],
  ['Oops', '[    5.1] Oops: 0000 [#1] PREEMPT SMP NOPTI'],
  ['page state', '[    5.1] BUG: Bad page state in process node  pfn:04a3c'],
  ['page state', '[    5.1] BUG: Bad rss-counter state mm:00000000c2 type:MM_ANONPAGES val:1'],
  ['memory', '[    5.1] Out of memory: Killed process 70 (node) total-vm:1100000kB'],
  ['panic', '[    5.1] Kernel panic - not syncing: Fatal exception'],
  ['trace', '[    5.1] Call Trace:'],
  ['timeout', '[  600.1] pendshare-vm: out of time'],
]

describe('problemsIn', () => {
  it.each(bad)('finds %s: %s', (kind, log) => {
    const found = problemsIn(`[    1.0] Linux version 6.12\n${log}\n[    6.0] reboot: machine restart\n`)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(new RegExp(`^${kind}: `))
  })

  it.each([
    ['3ff03022', 0],
    ['00400002', 0],
    ['00000146', 1],
    ['003f7fd7', 1],
  ])('a debug exception with the flags %s makes %d problems', (flags, count) => {
    const log = [
      '[   55.6] ------------[ cut here ]------------',
      '[   55.6] WARNING: CPU: 0 PID: 562 at arch/x86/kernel/traps.c:1120 exc_debug_kernel+0xca/0x160',
      `[   55.6] RSP: 0000:fffffe0000010f28 EFLAGS: ${flags}`,
      '[   55.6] Call Trace:',
      '[   55.6] RSP: 002b:00007f32f59f9d40 EFLAGS: 00000246 ORIG_RAX: 0000000000000010',
      '[   55.6] ---[ end trace 0000000000000000 ]---',
    ].join('\n')
    expect(problemsIn(log)).toHaveLength(count)
    expect(problemsIn(`${log}\n[   60.1] BUG: Bad page state in process node  pfn:04a3c`)).toHaveLength(
      count + 1,
    )
  })

  it('keeps quiet about what a clean run prints', () => {
    const log = [
      '[    0.0] Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org)',
      '[    0.1] Spectre V2 : Vulnerable',
      '[    0.2] RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable to RETBleed attacks, data leaks possible!',
      '[    0.3] lockdep: Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar',
      '[    0.3] kasan: KernelAddressSanitizer initialized (generic)',
      '[    0.4] kmemleak: Kernel memory leak detector initialized (mem pool available: 15682)',
      '[    0.5] AMD-Vi: AMD IOMMUv2 functionality not available on this system - This is not a bug.',
      '[    1.7] rcu: RCU debug extended QS entry/exit.',
      '[    1.8] sched_clock: Marking stable (1680079226, 35029398)->(1738203711, -23095087)',
      '[    2.6] pendshare: loading out-of-tree module taints kernel.',
      '[    2.7] pendshare-vm: command starts',
      '[    4.8] ACPI: PM: Preparing to enter system sleep state S5',
    ].join('\n')
    expect(problemsIn(log)).toEqual([])
  })

  it('names a report once although it goes on over many lines', () => {
    const log = [
      '[    5.1] ==================================================================',
      '[    5.1] BUG: KASAN: slab-use-after-free in use+0x4c/0x90 [broken]',
      '[    5.1] Read of size 4 at addr ffff888004a3c000 by task insmod/66',
      '[    5.1] Call Trace:',
      '[    5.1]  <TASK>',
      '[    5.1]  dump_stack_lvl+0x5d/0x80',
      '[    5.1]  </TASK>',
      '[    5.9] WARNING: CPU: 0 PID: 66 at kernel/x.c:1 f+0x1/0x2',
    ].join('\n')
    expect(problemsIn(log)).toEqual([
      'KASAN: BUG: KASAN: slab-use-after-free in use+0x4c/0x90 [broken]',
      'WARNING: WARNING: CPU: 0 PID: 66 at kernel/x.c:1 f+0x1/0x2',
    ])
  })

  it('finds a report whose line was cut by another processor’s output', () => {
    expect(problemsIn('[    5.1] pendshare: hello[    5.1] BUG: KASAN: use-after-free in f')).toHaveLength(1)
  })
})

describe('a kernel that died while it booted', () => {
  const panic = '[    1.8] Kernel panic - not syncing: Fatal exception in interrupt'
  const alive = '[    1.7] pendshare-vm: alive'

  it('is one that has panicked before the first program ran', () => {
    const patched = '[    1.8] Oops: int3: 0000 [#1] PREEMPT SMP NOPTI'
    expect(diedBooting([patched, panic].join('\n'))).toBe(true)
  })

  it('is none that went on, was slow, or panicked later', () => {
    for (const log of [[alive], [], [alive, panic], ['[    1.8] Oops: int3: 0000 [#1]', alive, panic]])
      expect(diedBooting(log.join('\n'))).toBe(false)
  })
})
