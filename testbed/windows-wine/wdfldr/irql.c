/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The IRQL, which Wine does not have: a number of each thread, that the double's callbacks set, the
 * driver's locks raise, and the framework's and the kernel's calls are held against.
 *
 * Rule: a spin lock raises to DISPATCH_LEVEL, a fast mutex to APC_LEVEL; what may wait is called
 * below, at PASSIVE_LEVEL where it takes handles; the rest at <= DISPATCH_LEVEL. A callback returns
 * at the level that it was called at. ["Requirements" of each function's page;
 * FxTimer::TimerHandler, FxWorkItem::WorkItemHandler, FxIoQueue::CanThreadDispatchEventsLocked]
 */
#include "framework.h"

static ULONG slot;

KIRQL irql_now(void)
{
	return (KIRQL)(ULONG_PTR)TlsGetValue(slot);
}

static void set(KIRQL irql)
{
	TlsSetValue(slot, (void *)(ULONG_PTR)irql);
}

KIRQL irql_raise(KIRQL irql)
{
	KIRQL old = irql_now();

	stop_unless(irql >= old, "a callback at a level that is too high for it");
	set(irql);
	return old;
}

void irql_lower(KIRQL irql)
{
	stop_unless(irql_now() >= irql, "an IRQL lowered below where it was");
	set(irql);
}

void irql_at_most(KIRQL highest)
{
	stop_unless(irql_now() <= highest, "a call at an IRQL that is too high for it");
}

static KIRQL(*acquire_spin_lock)(KSPIN_LOCK *lock);
static void (*release_spin_lock)(KSPIN_LOCK *lock, KIRQL irql);
static void (*acquire_mutex)(FAST_MUTEX *mutex);
static void (*release_mutex)(FAST_MUTEX *mutex);
static NTSTATUS (*wait)(void *object, KWAIT_REASON reason, KPROCESSOR_MODE mode, BOOLEAN alertable,
			LARGE_INTEGER *timeout);

static KIRQL acquire_spin_lock_checked(KSPIN_LOCK *lock)
{
	irql_at_most(DISPATCH_LEVEL);
	acquire_spin_lock(lock);
	return irql_raise(DISPATCH_LEVEL);
}

static void release_spin_lock_checked(KSPIN_LOCK *lock, KIRQL irql)
{
	stop_unless(irql_now() == DISPATCH_LEVEL, "a spin lock released at another IRQL");
	irql_lower(irql);
	release_spin_lock(lock, 0);
}

static void acquire_mutex_checked(FAST_MUTEX *mutex)
{
	irql_at_most(APC_LEVEL);
	acquire_mutex(mutex);
	mutex->OldIrql = irql_raise(APC_LEVEL);
}

static void release_mutex_checked(FAST_MUTEX *mutex)
{
	stop_unless(irql_now() == APC_LEVEL, "a fast mutex released at another IRQL");
	irql_lower((KIRQL)mutex->OldIrql);
	release_mutex(mutex);
}

static NTSTATUS wait_checked(void *object, KWAIT_REASON reason, KPROCESSOR_MODE mode,
			     BOOLEAN alertable, LARGE_INTEGER *timeout)
{
	irql_at_most(APC_LEVEL);
	return wait(object, reason, mode, alertable, timeout);
}

void irql_redirect(void *image)
{
	slot = TlsAlloc();
	acquire_spin_lock =
	    redirect_import(image, "KeAcquireSpinLockRaiseToDpc", acquire_spin_lock_checked);
	release_spin_lock = redirect_import(image, "KeReleaseSpinLock", release_spin_lock_checked);
	acquire_mutex = redirect_import(image, "ExAcquireFastMutex", acquire_mutex_checked);
	release_mutex = redirect_import(image, "ExReleaseFastMutex", release_mutex_checked);
	wait = redirect_import(image, "KeWaitForSingleObject", wait_checked);
}
