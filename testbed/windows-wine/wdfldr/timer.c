/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Timers and work items, on the thread pool. Deleting one waits for its callback.
 *
 * A one-shot timer is armed or not, under its lock: stop and start say truly whether its callback
 * was still to come, which is what the driver's references rely on.
 */
#include "framework.h"

struct timer {
	struct object object;
	PFN_WDF_TIMER callback;
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
	if (fire)
		timer->callback((WDFTIMER)timer);
}

static void timer_dispose(struct object *object)
{
	struct timer *timer = (struct timer *)object;

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
	stop_unless(!config->Period, "no periodic timers here");
	stop_unless(attributes->ParentObject != NULL, "a timer without a parent");
	timer = object_create(TIMER, sizeof(*timer), attributes, NULL);
	timer->callback = config->EvtTimerFunc;
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
	stop_unless(due < 0, "only relative times here");
	KeAcquireSpinLock(&timer->lock, &irql);
	was = timer->armed;
	timer->armed = TRUE;
	timer->due = now() - due;
	set(timer, -due);
	KeReleaseSpinLock(&timer->lock, irql);
	return was;
}

BOOLEAN double_WdfTimerStop(PWDF_DRIVER_GLOBALS globals, WDFTIMER handle, BOOLEAN wait)
{
	struct timer *timer = object_of(handle, TIMER);
	BOOLEAN was;
	KIRQL irql;

	UNREFERENCED_PARAMETER(globals);
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

/* Enqueued again from here on it runs again, perhaps beside this call. */
static void work(void *instance, void *context, void *pool)
{
	struct work_item *item = context;

	UNREFERENCED_PARAMETER(instance);
	UNREFERENCED_PARAMETER(pool);
	InterlockedExchange(&item->queued, FALSE);
	item->callback((WDFWORKITEM)item);
}

static void work_dispose(struct object *object)
{
	struct work_item *item = (struct work_item *)object;

	WaitForThreadpoolWorkCallbacks(item->pool, FALSE);
	CloseThreadpoolWork(item->pool);
}

NTSTATUS double_WdfWorkItemCreate(PWDF_DRIVER_GLOBALS globals, PWDF_WORKITEM_CONFIG config,
				  PWDF_OBJECT_ATTRIBUTES attributes, WDFWORKITEM *handle)
{
	struct work_item *item;

	UNREFERENCED_PARAMETER(globals);
	stop_unless(config->Size == sizeof(*config), "WDF_WORKITEM_CONFIG not initialized");
	stop_unless(attributes->ParentObject != NULL, "a work item without a parent");
	item = object_create(WORK_ITEM, sizeof(*item), attributes, NULL);
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
	if (!InterlockedExchange(&item->queued, TRUE))
		SubmitThreadpoolWork(item->pool);
}

WDFOBJECT double_WdfWorkItemGetParentObject(PWDF_DRIVER_GLOBALS globals, WDFWORKITEM handle)
{
	struct work_item *item = object_of(handle, WORK_ITEM);

	UNREFERENCED_PARAMETER(globals);
	return item->object.parent;
}
