// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The doorbell: rings, recalls and acceptances become events, and events complete PEND
 * requests. An event is delivered once, or, when its share ends first, goes with the share's own
 * completion. events.h says what is told in which order, and that no ring is lost.
 *
 * One thread at a time drains a file. While it reports a share it holds a reference of it: the
 * share's completion cannot overtake its events.
 */
#include "driver.h"

/* What one PEND is filled from. */
struct batch {
	struct pendshare_event *events;
	ULONG capacity;
	ULONG count;
	SHARE *shares; /* referenced */
};

/*
 * References the event of a handle, in the caller's context and with the caller's rights. The
 * one function that a bed without such handles has to replace.
 */
NTSTATUS doorbell_reference(ULONG64 handle, PKEVENT *event)
{
	void *object;
	NTSTATUS status;

	status = ObReferenceObjectByHandle((HANDLE)(ULONG_PTR)handle, EVENT_MODIFY_STATE,
					   *ExEventObjectType, UserMode, &object, NULL);
	if (!NT_SUCCESS(status))
		return STATUS_INVALID_HANDLE;
	*event = object;
	return STATUS_SUCCESS;
}

void events_add(FILE_CONTEXT *file, SHARE *share)
{
	pendshare_events_add(&file->events, &share->news);
}

/* The caller holds a reference. */
void doorbell_ring(SHARE *share)
{
	FILE_CONTEXT *file = share->file;
	KIRQL irql;

	KeAcquireSpinLock(&file->lock, &irql);
	share->news.rings++;
	events_add(file, share);
	KeReleaseSpinLock(&file->lock, irql);
	if (share->event)
		KeSetEvent(share->event, IO_NO_INCREMENT, FALSE);
	events_drain(file);
}

static struct pendshare_event *next_event(struct batch *batch, ULONG64 id)
{
	struct pendshare_event *event = &batch->events[batch->count++];

	RtlZeroMemory(event, sizeof(*event));
	event->id = id;
	return event;
}

/*
 * Fills the batch; file->lock is held. An ending share is passed over: its news goes with its
 * completion, which is certain to come, and takes it out of the queue before the share is gone:
 * so the queue needs no references.
 */
static void collect(FILE_CONTEXT *file, struct batch *batch)
{
	struct pendshare_news *news;

	while (batch->count < batch->capacity &&
	       (news = pendshare_events_first(&file->events)) != NULL) {
		SHARE *share = CONTAINING_RECORD(news, SHARE, news);

		if (!pendshare_lease_get(&share->lease)) {
			pendshare_news_remove(news);
			continue;
		}
		share->batch = batch->shares;
		batch->shares = share;
		while (batch->count < batch->capacity && pendshare_news_any(news))
			pendshare_news_take(news, next_event(batch, share->node.id));
		if (!pendshare_news_any(news))
			pendshare_news_remove(news);
	}
	if (file->removed && !file->live && batch->count < batch->capacity) {
		next_event(batch, 0)->kind = PENDSHARE_EVENT_REMOVED;
		file->removed = FALSE;
	}
}

/* No event will ever come again. file->lock is held. */
static BOOLEAN finished(FILE_CONTEXT *file)
{
	return file->closing && !file->live && !file->removed;
}

/* Whether a PEND could be completed now. */
static BOOLEAN has_news(FILE_CONTEXT *file)
{
	BOOLEAN news;
	KIRQL irql;

	KeAcquireSpinLock(&file->lock, &irql);
	news = !file->closed && (pendshare_events_first(&file->events) || (file->removed && !file->live) ||
				 finished(file));
	KeReleaseSpinLock(&file->lock, irql);
	return news;
}

/* Fills and completes one PEND, or puts it back; TRUE: it was completed. */
static BOOLEAN fill(FILE_CONTEXT *file, WDFREQUEST request)
{
	const struct pendshare_pend *pend;
	struct batch batch = { 0 };
	BOOLEAN completed;
	NTSTATUS status;
	BOOLEAN last;
	size_t length;
	void *buffer;
	KIRQL irql;

	/* Buffered: the arguments lie where the events will, and events_pend has checked both. */
	status = WdfRequestRetrieveOutputBuffer(request, sizeof(*batch.events), &buffer, &length);
	if (!NT_SUCCESS(status)) {
		WdfRequestComplete(request, status);
		return TRUE;
	}
	pend = buffer;
	batch.events = buffer;
	batch.capacity = (ULONG)(length / sizeof(*batch.events));
	if (batch.capacity > pend->capacity)
		batch.capacity = pend->capacity;
	KeAcquireSpinLock(&file->lock, &irql);
	collect(file, &batch);
	last = finished(file);
	KeReleaseSpinLock(&file->lock, irql);
	completed = batch.count || last || !NT_SUCCESS(WdfRequestRequeue(request));
	if (completed)
		WdfRequestCompleteWithInformation(
			request, batch.count ? STATUS_SUCCESS : STATUS_PIPE_CLOSING,
			batch.count * sizeof(*batch.events));
	while (batch.shares) {
		SHARE *share = batch.shares;

		batch.shares = share->batch;
		share_put(share);
	}
	return completed;
}

/* Completes PENDs while there are some and there is something to say. */
static void deliver(FILE_CONTEXT *file)
{
	WDFREQUEST request;

	while (has_news(file)) {
		if (!NT_SUCCESS(WdfIoQueueRetrieveRequestByFileObject(file->device->waiting,
								      file->handle, &request)))
			return;
		if (!fill(file, request))
			return;
	}
}

/*
 * Publish, then look: whoever has added an event, or a PEND, comes here afterwards. If someone
 * drains already, that one is told to look once more, so that neither is left with the other
 * unseen. The caller keeps the file alive.
 */
void events_drain(FILE_CONTEXT *file)
{
	KIRQL irql;

	KeAcquireSpinLock(&file->lock, &irql);
	file->again = TRUE;
	if (!file->draining) {
		file->draining = TRUE;
		file->drainer = PsGetCurrentThreadId();
		while (file->again) {
			file->again = FALSE;
			KeReleaseSpinLock(&file->lock, irql);
			deliver(file);
			KeAcquireSpinLock(&file->lock, &irql);
		}
		file->draining = FALSE;
		if (file->closed)
			KeSetEvent(&file->drained, IO_NO_INCREMENT, FALSE);
	}
	KeReleaseSpinLock(&file->lock, irql);
}

/*
 * From here on nobody looks for PENDs of the file: the queue compares FILE_OBJECTs by address,
 * and when this close has returned, another open may have that address, and PENDs of its own. A
 * drainer that has looked already is waited for; it waits for nobody. If it is this very thread,
 * the close came out of its completion of the last PEND, and it looks again before it goes on.
 */
void events_close(FILE_CONTEXT *file)
{
	BOOLEAN wait;
	KIRQL irql;

	KeAcquireSpinLock(&file->lock, &irql);
	file->closed = TRUE;
	wait = file->draining && file->drainer != PsGetCurrentThreadId();
	KeReleaseSpinLock(&file->lock, irql);
	if (wait)
		(void)KeWaitForSingleObject(&file->drained, Executive, KernelMode, FALSE, NULL);
}

NTSTATUS events_pend(struct call *call)
{
	const struct pendshare_pend *pend = &call->arguments.pend;
	FILE_CONTEXT *file = call->file;
	NTSTATUS status;

	if (pend->flags || pend->id || pend->events || pend->count || !pend->capacity ||
	    call->output_length < sizeof(struct pendshare_event))
		return STATUS_INVALID_PARAMETER;
	/* Once it is queued the request may be completed, and the file with it. */
	WdfObjectReference(file->handle);
	status = WdfRequestForwardToIoQueue(call->request, file->device->waiting);
	if (NT_SUCCESS(status)) {
		status = STATUS_PENDING;
		events_drain(file);
	}
	WdfObjectDereference(file->handle);
	return status;
}
