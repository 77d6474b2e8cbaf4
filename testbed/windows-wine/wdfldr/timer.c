/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Timers and work items, on the thread pool.
 *
 * Rule: stop and start say of a one-shot timer truly whether its callback was still to come; the
 * callback is a DPC. Deleting one, at PASSIVE_LEVEL, stops it and waits for its callback; of a work
 * item, for every call that is due. [ExCancelTimer, ExSetTimer; FxTimer::Start, FxTimer::Stop,
 * FxTimer::Dispose, FxWorkItem::Dispose] A timer is armed or not under its lock.
 */
#include "framework.h"

/*
 * Rule: a timer expires at a clock interrupt, each 15.625 ms, and its time counts from the last
 * one, so that it may be one of them late or early; a high-resolution one at most a ms late, and
 * never early. [High-Resolution Timers, Timer Accuracy; MxTimer::InitializeEx] Wine's are finer.
 */
#define TICK 156250 /* 100 ns, and what ntoskrnl.c lets KeQueryTimeIncrement say */
#define FINE_TICK 10000

struct timer {
	struct object object;
	PFN_WDF_TIMER callback;
	LONGLONG tick;
	void *pool;
	KSPIN_LOCK lock;
	BOOLEAN armed;
	LONGLONG due; /* system time, 100 ns */
};

static LONGLONG now(void)
{
	LARGE_INTEGER time;

	KeQuerySystemTime(&time);
	return time.QuadPart;
}

static void set(struct timer *timer, LONGLONG in)
{
	LARGE_INTEGER relative = {.QuadPart = in > 0 ? -in : -1};

	SetThreadpoolTimer(timer->pool, &relative, 0, 0);
}

static void timer_expired(void *instance, void *context, void *pool)
{
	struct timer *timer = context;
	BOOLEAN fire;
	KIRQL irql;

	UNREFERENCED_PARAMETER(instance);
	UNREFERENCED_PARAMETER(pool);
	KeAcquireSpinLock(&timer->lock, &irql);
	/* Too early: a callback of a time that was set before. */
	fire = timer->armed && timer->due <= now();
	if (fire)
		timer->armed = FALSE;
	else if (timer->armed)
		set(timer, timer->due - now());
	KeReleaseSpinLock(&timer->lock, irql);
	if (fire) {
		irql = irql_raise(DISPATCH_LEVEL);
		timer->callback((WDFTIMER)timer);
		irql_lower(irql);
	}
}

static void timer_dispose(struct object *object)
{
	struct timer *timer = (struct timer *)object;

	irql_at_most(PASSIVE_LEVEL);
	SetThreadpoolTimer(timer->pool, NULL, 0, 0);
	WaitForThreadpoolTimerCallbacks(timer->pool, TRUE);
	CloseThreadpoolTimer(timer->pool);
}

NTSTATUS double_WdfTimerCreate(PWDF_DRIVER_GLOBALS globals, PWDF_TIMER_CONFIG config,
			       PWDF_OBJECT_ATTRIBUTES attributes, WDFTIMER *handle)
{
	struct timer *timer;

	UNREFERENCED_PARAMETER(globals);
	stop_unless(config->Size == sizeof(*config), "WDF_TIMER_CONFIG not initialized");
	stop_unless(!config->Period && !config->AutomaticSerialization,
		    "no periodic timers and no serialized ones here");
	stop_unless(attributes->ParentObject != NULL, "a timer without a parent");
	timer = object_create(TIMER, sizeof(*timer), attributes, NULL);
	irql_at_most(PASSIVE_LEVEL);
	timer->callback = config->EvtTimerFunc;
	timer->tick = config->UseHighResolutionTimer ? FINE_TICK : TICK;
	timer->object.dispose = timer_dispose;
	timer->pool = CreateThreadpoolTimer(timer_expired, timer, NULL);
	*handle = (WDFTIMER)timer;
	return STATUS_SUCCESS;
}

BOOLEAN double_WdfTimerStart(PWDF_DRIVER_GLOBALS globals, WDFTIMER handle, LONGLONG due)
{
	struct timer *timer = object_of(handle, TIMER);
	BOOLEAN was;
	KIRQL irql;

	UNREFERENCED_PARAMETER(globals);
	irql_at_most(DISPATCH_LEVEL);
	stop_unless(due < 0, "only relative times here");
	KeAcquireSpinLock(&timer->lock, &irql);
	was = timer->armed;
	timer->armed = TRUE;
	timer->due = now();
	if (timer->tick == TICK)
		timer->due -= timer->due % TICK;
	timer->due += timer->tick - 1 - due;
	timer->due -= timer->due % timer->tick;
	set(timer, timer->due - now());
	KeReleaseSpinLock(&timer->lock, irql);
	return was;
}

BOOLEAN double_WdfTimerStop(PWDF_DRIVER_GLOBALS globals, WDFTIMER handle, BOOLEAN wait)
{
	struct timer *timer = object_of(handle, TIMER);
	BOOLEAN was;
	KIRQL irql;

	UNREFERENCED_PARAMETER(globals);
	irql_at_most(DISPATCH_LEVEL);
	stop_unless(!wait, "a timer that is waited for");
	KeAcquireSpinLock(&timer->lock, &irql);
	was = timer->armed;
	timer->armed = FALSE;
	SetThreadpoolTimer(timer->pool, NULL, 0, 0);
	KeReleaseSpinLock(&timer->lock, irql);
	return was;
}

WDFOBJECT double_WdfTimerGetParentObject(PWDF_DRIVER_GLOBALS globals, WDFTIMER handle)
{
	struct timer *timer = object_of(handle, TIMER);

	UNREFERENCED_PARAMETER(globals);
	return timer->object.parent;
}

struct work_item {
	struct object object;
	PFN_WDF_WORKITEM callback;
	void *pool;
	LONG volatile queued;
};

/*
 * Rule: enqueued again from here on it runs again, perhaps beside this call; PASSIVE_LEVEL, in the
 * system's process. [FxWorkItem::WorkItemHandler]
 */
static void work(void *instance, void *context, void *pool)
{
	struct work_item *item = context;
	KIRQL irql = irql_raise(PASSIVE_LEVEL);

	UNREFERENCED_PARAMETER(instance);
	UNREFERENCED_PARAMETER(pool);
	InterlockedExchange(&item->queued, FALSE);
	item->callback((WDFWORKITEM)item);
	irql_lower(irql);
}

static void work_dispose(struct object *object)
{
	struct work_item *item = (struct work_item *)object;

	irql_at_most(PASSIVE_LEVEL);
	WaitForThreadpoolWorkCallbacks(item->pool, FALSE);
	CloseThreadpoolWork(item->pool);
}

NTSTATUS double_WdfWorkItemCreate(PWDF_DRIVER_GLOBALS globals, PWDF_WORKITEM_CONFIG config,
				  PWDF_OBJECT_ATTRIBUTES attributes, WDFWORKITEM *handle)
{
	struct work_item *item;

	UNREFERENCED_PARAMETER(globals);
	stop_unless(config->Size == sizeof(*config), "WDF_WORKITEM_CONFIG not initialized");
	stop_unless(!config->AutomaticSerialization, "no serialized work items here");
	stop_unless(attributes->ParentObject != NULL, "a work item without a parent");
	item = object_create(WORK_ITEM, sizeof(*item), attributes, NULL);
	irql_at_most(PASSIVE_LEVEL);
	item->callback = config->EvtWorkItemFunc;
	item->object.dispose = work_dispose;
	item->pool = CreateThreadpoolWork(work, item, NULL);
	*handle = (WDFWORKITEM)item;
	return STATUS_SUCCESS;
}

VOID double_WdfWorkItemEnqueue(PWDF_DRIVER_GLOBALS globals, WDFWORKITEM handle)
{
	struct work_item *item = object_of(handle, WORK_ITEM);

	UNREFERENCED_PARAMETER(globals);
	irql_at_most(DISPATCH_LEVEL);
	if (!InterlockedExchange(&item->queued, TRUE))
		SubmitThreadpoolWork(item->pool);
}

WDFOBJECT double_WdfWorkItemGetParentObject(PWDF_DRIVER_GLOBALS globals, WDFWORKITEM handle)
{
	struct work_item *item = object_of(handle, WORK_ITEM);

	UNREFERENCED_PARAMETER(globals);
	return item->object.parent;
}
