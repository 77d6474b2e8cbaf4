// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Drives the portable peers: those whose steps are short and only timed, in the timer's DPC;
 * all others in a work item. A peer has one of these contexts, so its steps never overlap.
 *
 * The work item holds a reference from the kick that wakes it until it is idle again.
 */
#include "driver.h"
#include "../common/peer.h"

#define STEPS_AT_ONCE 64  /* then the worker thread is given to others for a while */
#define NAP_NS 1000000ull /* of an endless peer that has nothing to do */

/* Of the work item. A kick that finds it running makes it look again. */
#define IDLE 0
#define RUNNING 1
#define AGAIN 2

struct builtin {
	SHARE *share;
	const struct pendshare_peer_logic *logic;
	ULONG drive;
	WDFMEMORY memory;
	WDFWORKITEM work;
	struct alarm alarm;
	ULONG64 due_ns;
	LONG volatile running;
	LONG64 volatile ticks; /* not yet seen by a step in the work item */
	struct pendshare_peer_state state;
};

typedef struct {
	struct builtin *peer;
} WORK_CONTEXT;

WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(WORK_CONTEXT, work_of)

static EVT_WDF_WORKITEM work;

/* One step and what it asks for; TRUE: there is more to do right away. */
static BOOLEAN step(struct builtin *peer, ULONG64 ticks)
{
	ULONG result;

	if (pendshare_share_ending(peer->share))
		return FALSE;
	result = peer->logic->step(&peer->state, clock_ns(), ticks);
	pendshare_share_written(peer->share, peer->state.written);
	if (result & PENDSHARE_STEP_RING)
		pendshare_share_ring(peer->share);
	if (result & PENDSHARE_STEP_FAIL)
		pendshare_share_fail(peer->share, peer->logic->failure);
	else if (result & PENDSHARE_STEP_END)
		pendshare_share_end(peer->share);
	return (result & PENDSHARE_STEP_BUSY) != 0;
}

/* Wakes the work item, or tells it that there is more. */
static void kick(struct builtin *peer)
{
	LONG seen;

	do {
		seen = InterlockedCompareExchange(&peer->running, RUNNING, IDLE);
		if (seen == IDLE) {
			/* An ending share needs no steps; left RUNNING, it takes no more kicks. */
			if (pendshare_share_get(peer->share))
				WdfWorkItemEnqueue(peer->work);
			return;
		}
	} while (seen == RUNNING &&
		 InterlockedCompareExchange(&peer->running, AGAIN, RUNNING) != RUNNING);
}

/* Runs steps until there is nothing to do, TRUE, or the turn is over, FALSE. */
static BOOLEAN take_turn(struct builtin *peer)
{
	ULONG64 ticks = (ULONG64)InterlockedExchange64(&peer->ticks, 0);
	ULONG left;

	for (left = STEPS_AT_ONCE; left; left--) {
		if (!step(peer, ticks))
			return TRUE;
		ticks = 0;
	}
	return FALSE;
}

static void work(WDFWORKITEM item)
{
	struct builtin *peer = work_of(item)->peer;
	SHARE *share = peer->share;

	do {
		InterlockedExchange(&peer->running, RUNNING);
		if (!take_turn(peer)) {
			WdfWorkItemEnqueue(item);
			return;
		}
	} while (InterlockedCompareExchange(&peer->running, IDLE, RUNNING) != RUNNING);
	/* From here on another kick may have it running again, on another thread. */
	if (peer->drive & PENDSHARE_DRIVE_THREAD)
		alarm_start(&peer->alarm, NAP_NS);
	pendshare_share_put(share);
}

/* Periods since the last ring: 1, and more when some were missed. Never 0. */
static ULONG64 elapsed(struct builtin *peer)
{
	ULONG64 period = peer->state.period_ns;
	ULONG64 now = clock_ns();
	ULONG64 ticks = now > peer->due_ns ? 1 + (now - peer->due_ns) / period : 1;

	peer->due_ns += ticks * period;
	return ticks;
}

/* The alarm is set again last: it cannot ring on another processor while this call runs. */
static void alarm_rang(struct alarm *alarm)
{
	struct builtin *peer = CONTAINING_RECORD(alarm, struct builtin, alarm);
	ULONG64 ticks;
	ULONG64 now;

	if (!(peer->drive & PENDSHARE_DRIVE_TIMER)) {
		kick(peer);
		return;
	}
	ticks = elapsed(peer);
	if (peer->work) {
		InterlockedExchangeAdd64(&peer->ticks, (LONG64)ticks);
		kick(peer);
	} else {
		step(peer, ticks);
	}
	now = clock_ns();
	alarm_start(alarm, peer->due_ns > now ? peer->due_ns - now : 0);
}

static NTSTATUS create_work(struct builtin *peer)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_WORKITEM_CONFIG config;
	NTSTATUS status;

	if (peer->drive == PENDSHARE_DRIVE_TIMER)
		return STATUS_SUCCESS;
	WDF_WORKITEM_CONFIG_INIT(&config, work);
	config.AutomaticSerialization = FALSE;
	WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, WORK_CONTEXT);
	attributes.ParentObject = peer->share->file->device->handle;
	status = WdfWorkItemCreate(&config, &attributes, &peer->work);
	if (NT_SUCCESS(status))
		work_of(peer->work)->peer = peer;
	else
		peer->work = NULL;
	return status;
}

static NTSTATUS create_alarm(struct builtin *peer)
{
	if (peer->drive & PENDSHARE_DRIVE_TIMER)
		return alarm_create(&peer->alarm, peer->share, alarm_rang, peer->state.period_ns);
	if (peer->drive & PENDSHARE_DRIVE_THREAD)
		return alarm_create(&peer->alarm, peer->share, alarm_rang, 0);
	return STATUS_SUCCESS;
}

static NTSTATUS create_frames(struct builtin *peer)
{
	ULONG frames = peer->logic->frames;

	if (frames == PENDSHARE_FRAMES_NO)
		return STATUS_SUCCESS;
	return pendshare_share_frames(peer->share, frames == PENDSHARE_FRAMES_PLAYBACK,
				      &peer->state.frames);
}

/* Everything after the options are known to be right. What it made is in *peer, also on failure. */
static NTSTATUS prepare(struct builtin *peer)
{
	NTSTATUS status;

	peer->state.memory = pendshare_share_map(peer->share);
	if (!peer->state.memory)
		return STATUS_INSUFFICIENT_RESOURCES;
	peer->drive = peer->logic->drive(&peer->state);
	status = create_frames(peer);
	if (NT_SUCCESS(status))
		status = create_work(peer);
	if (NT_SUCCESS(status))
		status = create_alarm(peer);
	if (NT_SUCCESS(status) &&
	    !pendshare_quota_charge_rate(&peer->share->file->user->rate, peer->state.period_ns))
		status = STATUS_QUOTA_EXCEEDED;
	return status;
}

/* Alarm and work item are idle; deleting them waits for the last instructions of a callback. */
static void dispose(struct builtin *peer)
{
	alarm_delete(&peer->alarm);
	if (peer->work)
		WdfObjectDelete(peer->work);
	WdfObjectDelete(peer->memory);
}

/* The context of its peer. */
struct builtin_peer {
	struct pendshare_peer_ops ops;
	const struct pendshare_peer_logic *logic;
};

static NTSTATUS attach(void *context, SHARE *share, const void *options, ULONG size,
		       void **attachment)
{
	const struct builtin_peer *which = context;
	WDF_OBJECT_ATTRIBUTES attributes;
	struct builtin *peer;
	WDFMEMORY memory;
	NTSTATUS status;
	void *buffer;

	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = share->file->device->handle;
	status = WdfMemoryCreate(&attributes, NonPagedPoolNx, PENDSHARE_POOL_TAG, sizeof(*peer),
				 &memory, &buffer);
	if (!NT_SUCCESS(status))
		return status;
	peer = buffer;
	RtlZeroMemory(peer, sizeof(*peer));
	peer->memory = memory;
	peer->share = share;
	peer->logic = which->logic;
	peer->state.length = share->length;
	peer->state.frame_bytes = share->frame_bytes;
	if (!peer->logic->init(&peer->state, options, size) ||
	    (peer->state.period_ns && peer->state.period_ns < PENDSHARE_WINDOWS_PERIOD_NS))
		status = STATUS_INVALID_PARAMETER;
	else
		status = prepare(peer);
	if (!NT_SUCCESS(status))
		dispose(peer);
	*attachment = peer;
	return status;
}

static void start(void *attachment)
{
	struct builtin *peer = attachment;

	peer->logic->start(&peer->state);
	if (peer->drive & PENDSHARE_DRIVE_TIMER) {
		peer->due_ns = clock_ns() + peer->state.period_ns;
		alarm_start(&peer->alarm, peer->state.period_ns);
	}
	if (peer->drive & (PENDSHARE_DRIVE_START | PENDSHARE_DRIVE_THREAD))
		kick(peer);
}

static void notify(void *attachment)
{
	kick(attachment);
}

static void stop(void *attachment)
{
	struct builtin *peer = attachment;

	alarm_stop(&peer->alarm);
}

static void detach(void *attachment)
{
	struct builtin *peer = attachment;

	pendshare_quota_refund_rate(&peer->share->file->user->rate, peer->state.period_ns);
	dispose(peer);
}

static struct builtin_peer builtins[] = {
	{ .logic = &pendshare_peer_fill, .ops.notify = notify },
	{ .logic = &pendshare_peer_echo, .ops.notify = notify },
	{ .logic = &pendshare_peer_clock },
	{ .logic = &pendshare_peer_blast },
	{ .logic = &pendshare_peer_capture, .ops.notify = notify },
	{ .logic = &pendshare_peer_loopback, .ops.notify = notify },
};

/* They go with the driver, when no share is left: nobody has to remove them. */
NTSTATUS builtin_add(void)
{
	NTSTATUS status = STATUS_SUCCESS;
	ULONG i;

	for (i = 0; i < RTL_NUMBER_OF(builtins) && NT_SUCCESS(status); i++) {
		struct builtin_peer *which = &builtins[i];
		struct pendshare_peer *peer;

		which->ops.access = which->logic->access;
		which->ops.frames = which->logic->frames != PENDSHARE_FRAMES_NO;
		which->ops.attach = attach;
		which->ops.start = start;
		which->ops.stop = stop;
		which->ops.detach = detach;
		status = pendshare_peer_add(&which->ops, which->logic->name, which, &peer);
	}
	return status;
}
