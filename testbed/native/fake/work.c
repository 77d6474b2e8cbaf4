// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The fake's time and work: work items on worker fibers, or, where there are none, in whoever
 * waits; timers in fake_advance().
 */
#include <stdlib.h>

#include "internal.h"

/* Workers */

struct job {
	struct job *next;
	void (*run)(void *);
	void *argument;
};

static struct lock jobs_lock;
static struct job *first_job;
static struct job **last_job = &first_job;
static unsigned int running;
static bool stopping;
static unsigned int workers;

/* Runs one job if there is one. */
static bool run_job(void)
{
	struct job *job;

	lock_take(&jobs_lock);
	job = first_job;
	if (job) {
		first_job = job->next;
		if (!first_job)
			last_job = &first_job;
		running++;
	}
	lock_drop(&jobs_lock);
	if (!job)
		return false;
	job->run(job->argument);
	FAKE_REQUIRE(fake_irql() == PASSIVE_LEVEL);
	free(job);
	lock_take(&jobs_lock);
	running--;
	lock_drop(&jobs_lock);
	return true;
}

static bool is_stopping(void)
{
	bool result;

	lock_take(&jobs_lock);
	result = stopping;
	lock_drop(&jobs_lock);
	return result;
}

static void worker(void *argument)
{
	(void)argument;
	while (!is_stopping())
		if (!run_job())
			fake_yield();
	lock_take(&jobs_lock);
	workers--;
	lock_drop(&jobs_lock);
}

void work_start(unsigned int count)
{
	stopping = false;
	for (workers = 0; workers < count; workers++)
		fake_spawn(worker, NULL);
}

static unsigned int count(const unsigned int *number)
{
	unsigned int result;

	lock_take(&jobs_lock);
	result = *number;
	lock_drop(&jobs_lock);
	return result;
}

void work_stop(void)
{
	lock_take(&jobs_lock);
	stopping = true;
	lock_drop(&jobs_lock);
	while (count(&workers))
		fake_yield();
}

void work_defer(void (*run)(void *), void *argument)
{
	struct job *job = malloc(sizeof(*job));

	*job = (struct job){ NULL, run, argument };
	lock_take(&jobs_lock);
	*last_job = job;
	last_job = &job->next;
	lock_drop(&jobs_lock);
}

bool work_has_workers(void)
{
	return count(&workers) != 0;
}

void work_wait(void)
{
	if (work_has_workers() || !run_job())
		fake_yield();
}

static bool idle(void)
{
	bool result;

	lock_take(&jobs_lock);
	result = !first_job && !running;
	lock_drop(&jobs_lock);
	return result;
}

void fake_settle(void)
{
	while (!idle())
		work_wait();
}

/* Work items: enqueued once, may run while it is enqueued again. */

struct work_item {
	struct object object;
	struct lock lock;
	PFN_WDF_WORKITEM function;
	bool enqueued;
	unsigned int running;
};

static void work_run(void *argument)
{
	struct work_item *item = argument;

	lock_take(&item->lock);
	item->enqueued = false;
	item->running++;
	lock_drop(&item->lock);
	item->function((WDFWORKITEM)item);
	lock_take(&item->lock);
	item->running--;
	lock_drop(&item->lock);
	object_put(&item->object);
}

static void work_dispose(struct object *object)
{
	struct work_item *item = (struct work_item *)object;

	fake_require_callable(PASSIVE_LEVEL);
	lock_take(&item->lock);
	FAKE_REQUIRE(!item->enqueued);
	while (item->running) {
		lock_drop(&item->lock);
		fake_yield();
		lock_take(&item->lock);
	}
	lock_drop(&item->lock);
}

FN_WdfWorkItemCreate fake_WdfWorkItemCreate;
NTSTATUS fake_WdfWorkItemCreate(PWDF_DRIVER_GLOBALS globals, PWDF_WORKITEM_CONFIG config,
				PWDF_OBJECT_ATTRIBUTES attributes, WDFWORKITEM *out)
{
	struct work_item *item;

	(void)globals;
	FAKE_REQUIRE(config->Size == sizeof(*config) && !config->AutomaticSerialization);
	if (fake_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
	item = calloc(1, sizeof(*item));
	object_init(&item->object, KIND_WORK, attributes->ParentObject);
	item->object.dispose = work_dispose;
	item->function = config->EvtWorkItemFunc;
	object_add_context(&item->object, attributes, NULL);
	*out = (WDFWORKITEM)item;
	return STATUS_SUCCESS;
}

FN_WdfWorkItemEnqueue fake_WdfWorkItemEnqueue;
VOID fake_WdfWorkItemEnqueue(PWDF_DRIVER_GLOBALS globals, WDFWORKITEM handle)
{
	struct work_item *item = (struct work_item *)handle;
	bool enqueue;

	(void)globals;
	lock_take(&item->lock);
	enqueue = !item->enqueued;
	item->enqueued = true;
	if (item->running)
		fake_count_window(FAKE_ENQUEUED_RUNNING);
	if (enqueue)
		object_get(&item->object);
	lock_drop(&item->lock);
	if (enqueue)
		work_defer(work_run, item);
}

FN_WdfWorkItemGetParentObject fake_WdfWorkItemGetParentObject;
WDFOBJECT fake_WdfWorkItemGetParentObject(PWDF_DRIVER_GLOBALS globals, WDFWORKITEM item)
{
	(void)globals;
	return ((struct object *)item)->parent;
}

/* Timers */

/*
 * Rule: a timer expires at a clock interrupt, each 15.625 ms, and its time counts from the last
 * one, so that it may be one of them late or early; a high-resolution one at most a ms late, and
 * never early. Its callback is a DPC. [High-Resolution Timers, Timer Accuracy;
 * FxTimer::TimerHandler]
 */
#define FINE_TICK_NS 1000000ull

struct timer {
	struct object object;
	LIST_ENTRY link; /* in set_timers, or alone */
	PFN_WDF_TIMER function;
	ULONG64 tick;
	ULONG64 due;
	unsigned int running;
};

static struct lock timers_lock;
static LIST_ENTRY set_timers = { &set_timers, &set_timers };
static ULONG64 clock_now = 1000000000;

ULONG64 fake_clock(void)
{
	return __atomic_load_n(&clock_now, __ATOMIC_RELAXED);
}

LARGE_INTEGER KeQueryPerformanceCounter(LARGE_INTEGER *frequency)
{
	frequency->QuadPart = 10000000;
	return (LARGE_INTEGER){ (LONGLONG)(fake_clock() / 100) };
}

/* Others may have moved it further; timers_lock is held. */
static void move_clock(ULONG64 to)
{
	if (to > clock_now)
		__atomic_store_n(&clock_now, to, __ATOMIC_RELAXED);
}

static void timer_dispose(struct object *object)
{
	struct timer *timer = (struct timer *)object;

	fake_require_callable(PASSIVE_LEVEL);
	lock_take(&timers_lock);
	/* The device's own timer may be set when the driver goes; a share's holds a reference. */
	FAKE_REQUIRE(IsListEmpty(&timer->link) || !timer->object.contexts);
	RemoveEntryList(&timer->link);
	while (timer->running) {
		lock_drop(&timers_lock);
		fake_yield();
		lock_take(&timers_lock);
	}
	lock_drop(&timers_lock);
}

FN_WdfTimerCreate fake_WdfTimerCreate;
NTSTATUS fake_WdfTimerCreate(PWDF_DRIVER_GLOBALS globals, PWDF_TIMER_CONFIG config,
			     PWDF_OBJECT_ATTRIBUTES attributes, WDFTIMER *out)
{
	struct timer *timer;

	(void)globals;
	FAKE_REQUIRE(config->Size == sizeof(*config) && !config->Period &&
		     !config->AutomaticSerialization);
	if (fake_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
	timer = calloc(1, sizeof(*timer));
	object_init(&timer->object, KIND_TIMER, attributes->ParentObject);
	timer->object.dispose = timer_dispose;
	timer->function = config->EvtTimerFunc;
	timer->tick = config->UseHighResolutionTimer ? FINE_TICK_NS : FAKE_TICK_NS;
	InitializeListHead(&timer->link);
	object_add_context(&timer->object, attributes, NULL);
	*out = (WDFTIMER)timer;
	return STATUS_SUCCESS;
}

FN_WdfTimerStart fake_WdfTimerStart;
BOOLEAN fake_WdfTimerStart(PWDF_DRIVER_GLOBALS globals, WDFTIMER handle, LONGLONG due)
{
	struct timer *timer = (struct timer *)handle;
	ULONG64 from;
	bool was_set;

	(void)globals;
	FAKE_REQUIRE(due < 0 && fake_irql() <= DISPATCH_LEVEL);
	fake_point();
	lock_take(&timers_lock);
	was_set = !IsListEmpty(&timer->link);
	RemoveEntryList(&timer->link);
	from = timer->tick == FAKE_TICK_NS ? clock_now - clock_now % FAKE_TICK_NS : clock_now;
	timer->due = from + (ULONG64)-due * 100 + timer->tick - 1;
	timer->due -= timer->due % timer->tick;
	InsertTailList(&set_timers, &timer->link);
	lock_drop(&timers_lock);
	fake_point();
	return was_set;
}

FN_WdfTimerStop fake_WdfTimerStop;
BOOLEAN fake_WdfTimerStop(PWDF_DRIVER_GLOBALS globals, WDFTIMER handle, BOOLEAN wait)
{
	struct timer *timer = (struct timer *)handle;
	bool was_set;

	(void)globals;
	FAKE_REQUIRE(!wait);
	fake_point();
	lock_take(&timers_lock);
	was_set = !IsListEmpty(&timer->link);
	RemoveEntryList(&timer->link);
	InitializeListHead(&timer->link);
	if (was_set)
		fake_count_window(FAKE_STOPPED);
	else if (timer->running)
		fake_count_window(FAKE_STOP_TOO_LATE);
	lock_drop(&timers_lock);
	return was_set;
}

FN_WdfTimerGetParentObject fake_WdfTimerGetParentObject;
WDFOBJECT fake_WdfTimerGetParentObject(PWDF_DRIVER_GLOBALS globals, WDFTIMER timer)
{
	(void)globals;
	return ((struct object *)timer)->parent;
}

/* The first timer that is due until then, no longer set, at its time; timers_lock is held. */
static struct timer *take_due(ULONG64 until)
{
	struct timer *first = NULL;
	LIST_ENTRY *link;

	for (link = set_timers.Flink; link != &set_timers; link = link->Flink) {
		struct timer *timer = CONTAINING_RECORD(link, struct timer, link);

		if (timer->due <= until && (!first || timer->due < first->due))
			first = timer;
	}
	if (!first)
		return NULL;
	RemoveEntryList(&first->link);
	InitializeListHead(&first->link);
	first->running++;
	move_clock(first->due);
	return first;
}

void fake_advance(ULONG64 ns)
{
	struct timer *timer;
	ULONG64 until;
	KIRQL irql = fake_raise(DISPATCH_LEVEL);

	lock_take(&timers_lock);
	until = clock_now + ns;
	while ((timer = take_due(until))) {
		lock_drop(&timers_lock);
		timer->function((WDFTIMER)timer);
		fake_point();
		lock_take(&timers_lock);
		timer->running--;
	}
	move_clock(until);
	lock_drop(&timers_lock);
	fake_lower(irql);
}
