// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * One-shot timers of a share. From start until fire() has returned, or until stop takes it
 * back, an alarm holds one reference: the share cannot be completed under it.
 *
 * One-shot, and set again by fire() where they repeat: stopping says reliably whether a one-shot
 * timer will still fire, which it does not for a periodic one.
 */
#include "driver.h"

/* Two clocks may differ by so much; a timer that was set anew for less would be a tick late. */
#define EARLY_NS 500000ull

typedef struct {
	struct alarm *alarm;
} ALARM_CONTEXT;

WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(ALARM_CONTEXT, alarm_of)

static EVT_WDF_TIMER alarm_expired;

/*
 * With a reference, which it keeps while it is set. An end that comes between the reference and the
 * start has found no timer to stop, so the reason is looked at once more afterwards.
 */
static void set(struct alarm *alarm, ULONG64 in_ns)
{
	WdfTimerStart(alarm->timer, alarm_due(in_ns));
	if (pendshare_lease_reason(&alarm->share->lease))
		alarm_stop(alarm);
}

/* A timer's time counts from the last clock tick, so without high resolution it may be early. */
static void alarm_expired(WDFTIMER timer)
{
	struct alarm *alarm = alarm_of(timer)->alarm;
	SHARE *share = alarm->share;
	ULONG64 now = clock_ns();

	if (alarm->due_ns > now + EARLY_NS) {
		set(alarm, alarm->due_ns - now);
		return;
	}
	alarm->fire(alarm);
	share_put(share);
}

NTSTATUS alarm_create(struct alarm *alarm, SHARE *share, void (*fire)(struct alarm *alarm),
		      ULONG64 finest_ns)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_TIMER_CONFIG config;
	NTSTATUS status;

	WDF_TIMER_CONFIG_INIT(&config, alarm_expired);
	config.AutomaticSerialization = FALSE;
	/* Finer than the system's tick costs power, so only those ask for it who need it. */
	config.UseHighResolutionTimer = finest_ns && finest_ns < KeQueryTimeIncrement() * 100ull;
	WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, ALARM_CONTEXT);
	attributes.ParentObject = share->file->device->handle;
	status = WdfTimerCreate(&config, &attributes, &alarm->timer);
	if (!NT_SUCCESS(status)) {
		alarm->timer = NULL;
		return status;
	}
	alarm->share = share;
	alarm->fire = fire;
	alarm_of(alarm->timer)->alarm = alarm;
	return STATUS_SUCCESS;
}

/* Waits for the end of a callback that has just dropped its reference. */
void alarm_delete(struct alarm *alarm)
{
	if (alarm->timer)
		WdfObjectDelete(alarm->timer);
	alarm->timer = NULL;
}

/*
 * As the framework wants it: negative, and not 0. No more than was asked for, since what is due
 * just after a clock interrupt waits for the next.
 */
LONGLONG alarm_due(ULONG64 in_ns)
{
	return in_ns ? -(LONGLONG)((in_ns + 99) / 100) : -1;
}

/* Does nothing once the share is ending. */
void alarm_start(struct alarm *alarm, ULONG64 in_ns)
{
	if (!pendshare_lease_get(&alarm->share->lease))
		return;
	alarm->due_ns = clock_ns() + in_ns;
	set(alarm, in_ns);
}

/* Never waits. If the timer was still set, nobody else will give its reference back. */
void alarm_stop(struct alarm *alarm)
{
	if (alarm->timer && WdfTimerStop(alarm->timer, FALSE))
		share_put(alarm->share);
}

/* Monotonic, at any IRQL. */
ULONG64 clock_ns(void)
{
	LARGE_INTEGER frequency;
	ULONG64 count = (ULONG64)KeQueryPerformanceCounter(&frequency).QuadPart;
	ULONG64 per_second = (ULONG64)frequency.QuadPart;

	return count / per_second * 1000000000ull + count % per_second * 1000000000ull / per_second;
}
