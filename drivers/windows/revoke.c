// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * REVOKE: an administrator takes all memory back, at once or after a time of grace.
 *
 * A control device gets no removal callback, and stopping the service waits for open handles: this
 * is how a device that goes away, or a driver that shall, gets rid of its shares.
 */
#include "driver.h"

#define ERRAND_RECALL 1 /* a time of grace has passed */
#define ERRAND_STALE 2	/* files have events that nobody has drained */
#define NS_PER_MS 1000000ull
#define NEVER (~0ull)

/* The reaper's other work. The flag first: a reaper that runs already sees it, or runs again. */
static void send_reaper(DEVICE *device, LONG errand)
{
	InterlockedOr(&device->errands, errand);
	WdfWorkItemEnqueue(device->reaper);
}

static void revoke_now(DEVICE *device)
{
	SHARE *list = NULL;
	LIST_ENTRY *link;
	KIRQL irql;

	ExAcquireFastMutex(&device->mutex);
	for (link = device->files.Flink; link != &device->files; link = link->Flink) {
		FILE_CONTEXT *file = CONTAINING_RECORD(link, FILE_CONTEXT, link);

		KeAcquireSpinLock(&file->lock, &irql);
		if (!file->dead) {
			file->dead = TRUE;
			file->removed = TRUE;
		}
		list = file_mark_all(file, NULL, PENDSHARE_DEVICE_REMOVED, list);
		KeReleaseSpinLock(&file->lock, irql);
		file->stale = TRUE;
	}
	ExReleaseFastMutex(&device->mutex);
	share_let_go_all(list);
	send_reaper(device, ERRAND_STALE);
}

static ULONG64 earlier(ULONG64 a, ULONG64 b)
{
	return a < b ? a : b;
}

/* Tells every live share of the file; returns the earliest of their ends. */
static ULONG64 recall_file(FILE_CONTEXT *file, ULONG64 at, ULONG64 grace_ms)
{
	ULONG64 first = NEVER;
	SHARE *share;
	KIRQL irql;

	KeAcquireSpinLock(&file->lock, &irql);
	for (share = file_next(file, NULL); share; share = file_next(file, share)) {
		if (pendshare_due_by(&share->recall, at, PENDSHARE_RECALLED)) {
			pendshare_news_recall(&share->news, (ULONG)grace_ms);
			events_add(file, share);
		}
		first = earlier(first, share->recall.at_ns);
	}
	KeReleaseSpinLock(&file->lock, irql);
	return first;
}

/* One timer for all recalls, always set for the earliest. */
static void wake_at(DEVICE *device, ULONG64 at, ULONG64 now)
{
	if (at != NEVER)
		WdfTimerStart(device->recall, alarm_due(at > now ? at - now : 0));
}

static void recall_all(DEVICE *device, ULONG64 grace_ms)
{
	ULONG64 now = clock_ns();
	ULONG64 first = NEVER;
	LIST_ENTRY *link;

	ExAcquireFastMutex(&device->mutex);
	for (link = device->files.Flink; link != &device->files; link = link->Flink) {
		FILE_CONTEXT *file = CONTAINING_RECORD(link, FILE_CONTEXT, link);

		first = earlier(first, recall_file(file, now + grace_ms * NS_PER_MS, grace_ms));
		file->stale = TRUE;
	}
	wake_at(device, first, now);
	ExReleaseFastMutex(&device->mutex);
	send_reaper(device, ERRAND_STALE);
}

NTSTATUS revoke(struct call *call)
{
	const struct pendshare_revoke *arguments = &call->arguments.revoke;

	if (arguments->flags || arguments->grace_ms > PENDSHARE_MAX_GRACE_MS)
		return STATUS_INVALID_PARAMETER;
	if (!call->file->administrator)
		return STATUS_ACCESS_DENIED;
	if (arguments->grace_ms)
		recall_all(call->file->device, arguments->grace_ms);
	else
		revoke_now(call->file->device);
	return STATUS_SUCCESS;
}

/* Many shares are to be looked at: not in a DPC. */
void revoke_grace_passed(WDFTIMER timer)
{
	send_reaper(device_of(WdfTimerGetParentObject(timer)), ERRAND_RECALL);
}

/* Marks those of the file whose time has come; *first becomes the earliest of the others. */
static SHARE *mark_recalled(FILE_CONTEXT *file, ULONG64 now, SHARE *list, ULONG64 *first)
{
	SHARE *share;
	KIRQL irql;

	KeAcquireSpinLock(&file->lock, &irql);
	for (share = file_next(file, NULL); share; share = file_next(file, share)) {
		if (!share->recall.at_ns)
			continue;
		if (share->recall.at_ns > now) {
			*first = earlier(*first, share->recall.at_ns);
		} else if (pendshare_lease_end(&share->lease, pendshare_due_reason(&share->recall))) {
			share->next = list;
			list = share;
		}
	}
	KeReleaseSpinLock(&file->lock, irql);
	return list;
}

static void end_recalled(DEVICE *device)
{
	ULONG64 now = clock_ns();
	ULONG64 first = NEVER;
	SHARE *list = NULL;
	LIST_ENTRY *link;

	ExAcquireFastMutex(&device->mutex);
	for (link = device->files.Flink; link != &device->files; link = link->Flink)
		list = mark_recalled(CONTAINING_RECORD(link, FILE_CONTEXT, link), now, list,
				     &first);
	wake_at(device, first, now);
	ExReleaseFastMutex(&device->mutex);
	share_let_go_all(list);
}

/* The next file to serve, referenced, so that it can be served without the mutex. */
static FILE_CONTEXT *next_stale(DEVICE *device)
{
	FILE_CONTEXT *found = NULL;
	LIST_ENTRY *link;

	ExAcquireFastMutex(&device->mutex);
	for (link = device->files.Flink; link != &device->files && !found; link = link->Flink) {
		FILE_CONTEXT *file = CONTAINING_RECORD(link, FILE_CONTEXT, link);

		if (!file->stale)
			continue;
		file->stale = FALSE;
		WdfObjectReference(file->handle);
		found = file;
	}
	ExReleaseFastMutex(&device->mutex);
	return found;
}

void revoke_errands(DEVICE *device)
{
	LONG errands = InterlockedExchange(&device->errands, 0);
	FILE_CONTEXT *file;

	if (errands & ERRAND_RECALL)
		end_recalled(device);
	if (!(errands & ERRAND_STALE))
		return;
	while ((file = next_stale(device)) != NULL) {
		events_drain(file);
		WdfObjectDereference(file->handle);
	}
}
