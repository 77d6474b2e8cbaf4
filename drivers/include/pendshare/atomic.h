/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The few atomic operations that code common to the Linux kernel, the Windows
 * kernel and user-space tests needs, under one name each.
 *
 * load_acquire / store_release order later / earlier accesses of the caller;
 * barrier orders everything before it against everything after it, stores against loads
 * included; cas is a full barrier when it succeeds and returns what it found.
 */
#ifndef PENDSHARE_ATOMIC_H
#define PENDSHARE_ATOMIC_H

#include "abi.h"

#if defined(__KERNEL__)

#include <asm/barrier.h>
#include <linux/atomic.h>

#define pendshare_load_acquire(p) smp_load_acquire(p)
#define pendshare_store_release(p, v) smp_store_release(p, v)
#define pendshare_load_relaxed(p) READ_ONCE(*(p))
#define pendshare_store_relaxed(p, v) WRITE_ONCE(*(p), v)
#define pendshare_barrier() smp_mb()
#define pendshare_cas(p, old, new) cmpxchg(p, old, new)

#elif defined(_MSC_VER)

/* ARM64 is built with /volatile:iso, so plain volatile orders nothing. */
#include <intrin.h>
#define pendshare_load_relaxed(p) (*(const volatile __u32 *)(p))
#define pendshare_store_relaxed(p, v) (*(volatile __u32 *)(p) = (v))
#if defined(_M_ARM64)
#define pendshare_load_acquire(p) ((__u32)__ldar32((volatile unsigned __int32 *)(p)))
#define pendshare_store_release(p, v) __stlr32((volatile unsigned __int32 *)(p), v)
#define pendshare_barrier() __dmb(_ARM64_BARRIER_ISH)
#else
static __inline __u32 pendshare_load_acquire(const volatile __u32 *p)
{
	__u32 v = *p;

	_ReadWriteBarrier();
	return v;
}
#define pendshare_store_release(p, v) \
	(_ReadWriteBarrier(), (void)(*(volatile __u32 *)(p) = (v)))
#define pendshare_barrier() _mm_mfence()
#endif
#define pendshare_cas(p, old, new) \
	((__u32)_InterlockedCompareExchange((volatile long *)(p), (long)(new), (long)(old)))

#else

#define pendshare_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define pendshare_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define pendshare_load_relaxed(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define pendshare_store_relaxed(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
#define pendshare_barrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
static inline __u32 pendshare_cas(__u32 *p, __u32 old, __u32 desired)
{
	__atomic_compare_exchange_n(p, &old, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE);
	return old;
}

#endif

#endif
