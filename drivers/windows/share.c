// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A share: the SHARE request, pended for as long as kernel code may touch the memory, and
 * completed exactly once when nobody does any more.
 *
 *   share_prepare      context, event; in the caller's context
 *   share_begin        checks, quota, peer, id ──► refused: completed with the error
 *        │ parked in device->parked
 *        ▼
 *      live ──────────► ending ────────────► last reference ───────► share_reap: completed
 *              share_end or              share_put(), whoever
 *              file_mark_all             drops it, at any IRQL
 *
 * References of a live share: its own (taken from the winner of the end), set-up (share_begin's
 * until it returns), parked, and one for each alarm, work item, notification and report under
 * way. "Parked" stands for the request's place in the queue: it is dropped by whoever gets
 * the request out, and the queue gives it to one only: to share_unpark or to share_canceled.
 */
#include "driver.h"

static EVT_WDF_OBJECT_CONTEXT_CLEANUP share_cleanup;

/* The framework calls it once for every request with this context, whoever completes it. */
static void share_cleanup(WDFOBJECT request)
{
	SHARE *share = share_of(request);

	if (share->event)
		ObDereferenceObject(share->event);
}

/* Gives the request its context, and the event its reference while handles mean something. */
NTSTATUS share_prepare(WDFREQUEST request)
{
	struct pendshare_share arguments;
	WDF_OBJECT_ATTRIBUTES attributes;
	NTSTATUS status;
	void *context;
	SHARE *share;

	status = queue_fetch(request, &arguments, sizeof(arguments));
	if (!NT_SUCCESS(status))
		return status;
	WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, SHARE);
	attributes.EvtCleanupCallback = share_cleanup;
	status = WdfObjectAllocateContext(request, &attributes, &context);
	if (!NT_SUCCESS(status))
		return status;
	share = context;
	share->request = request;
	if (arguments.flags & PENDSHARE_SHARE_EVENT)
		status = doorbell_reference(arguments.event, &share->event);
	return status;
}

static BOOLEAN is_string(const char *string, ULONG size)
{
	ULONG i;

	for (i = 0; i < size; i++)
		if (!string[i])
			return TRUE;
	return FALSE;
}

static NTSTATUS check(const struct pendshare_share *arguments, BOOLEAN readonly)
{
	ULONG known = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE;
	ULONG i;

	if (!arguments->id || arguments->address || arguments->length ||
	    (arguments->flags & ~PENDSHARE_SHARE_EVENT) ||
	    (!(arguments->flags & PENDSHARE_SHARE_EVENT) && arguments->event) ||
	    !arguments->access || (arguments->access & ~known) ||
	    (readonly && arguments->access != PENDSHARE_ACCESS_READ) ||
	    arguments->deadline_ns > PENDSHARE_MAX_DEADLINE_NS ||
	    arguments->options_size > PENDSHARE_OPTIONS_SIZE ||
	    (!arguments->peer[0] && arguments->options_size) ||
	    !is_string(arguments->peer, sizeof(arguments->peer)) ||
	    !is_string(arguments->label, sizeof(arguments->label)))
		return STATUS_INVALID_PARAMETER;
	for (i = arguments->options_size; i < PENDSHARE_OPTIONS_SIZE; i++)
		if (arguments->options[i])
			return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

/* The I/O manager has probed and locked the pages already; NULL and nothing have no MDL. */
static NTSTATUS take_memory(SHARE *share, size_t length)
{
	NTSTATUS status;

	if (!length)
		return STATUS_INVALID_PARAMETER;
	if (length > PENDSHARE_MAX_BYTES)
		return STATUS_INTEGER_OVERFLOW;
	status = WdfRequestRetrieveOutputWdmMdl(share->request, &share->mdl);
	if (!NT_SUCCESS(status))
		return status;
	if (MmGetMdlByteOffset(share->mdl) || (length & (PAGE_SIZE - 1)))
		return STATUS_INVALID_PARAMETER;
	share->length = length;
	return STATUS_SUCCESS;
}

static NTSTATUS attach(SHARE *share, const struct pendshare_share *arguments)
{
	struct pendshare_peer *peer;
	NTSTATUS status;

	if (!arguments->peer[0])
		return STATUS_SUCCESS;
	peer = peer_get(arguments->peer);
	if (!peer)
		return STATUS_NOT_FOUND;
	if (peer->access & ~share->access)
		status = STATUS_INVALID_PARAMETER;
	else
		status = peer->attach(peer, share, arguments->options, arguments->options_size,
				      &share->peer_context);
	if (NT_SUCCESS(status))
		share->peer = peer;
	else
		peer_put(peer);
	return status;
}

static void detach(SHARE *share)
{
	if (!share->peer)
		return;
	share->peer->detach(share->peer_context);
	peer_put(share->peer);
}

static void deadline_passed(struct alarm *alarm)
{
	share_end(alarm->share, PENDSHARE_DEADLINE, PENDSHARE_FAILURE_NONE);
}

/* Makes everything that a share needs; on failure nothing of it is left. */
static NTSTATUS build(SHARE *share, struct call *call)
{
	const struct pendshare_share *arguments = &call->arguments.share;
	ULONG64 pages;
	NTSTATUS status;

	status = check(arguments, call->code == PENDSHARE_IOC_SHARE_READONLY);
	if (!NT_SUCCESS(status))
		return status;
	share->file = call->file;
	share->id = arguments->id;
	share->access = arguments->access;
	share->accepted = TRUE;
	InitializeListHead(&share->event_link);
	status = take_memory(share, call->output_length);
	if (!NT_SUCCESS(status))
		return status;
	pages = share->length / PAGE_SIZE;
	status = user_charge(share->file, pages);
	if (!NT_SUCCESS(status))
		return status;
	if (arguments->deadline_ns)
		status = alarm_create(&share->deadline, share, deadline_passed, 0);
	if (!NT_SUCCESS(status))
		goto refund;
	status = attach(share, arguments);
	if (!NT_SUCCESS(status))
		goto delete_deadline;
	/* One reference each for: the lease itself, this set-up, the place in the queue. */
	pendshare_lease_init(&share->lease);
	pendshare_lease_get(&share->lease);
	pendshare_lease_get(&share->lease);
	status = file_add(share->file, share);
	if (NT_SUCCESS(status))
		return status;
	detach(share);
delete_deadline:
	alarm_delete(&share->deadline);
refund:
	user_refund(share->file, pages);
	return status;
}

/*
 * Gets the request out of the queue. Not found: it is not parked yet, and share_begin looks
 * again once it is; or someone else has it, who drops the reference.
 */
static void unpark(SHARE *share)
{
	WDFREQUEST request;

	if (NT_SUCCESS(WdfIoQueueRetrieveFoundRequest(share->file->device->parked, share->request,
						      &request)))
		share_put(share);
}

/*
 * Parks the request. From here on it may be cancelled, already inside of the call that
 * queues it; no lock is held, and the set-up reference keeps the share.
 */
static BOOLEAN park(SHARE *share)
{
	NTSTATUS status = WdfRequestForwardToIoQueue(share->request, share->file->device->parked);

	if (NT_SUCCESS(status)) {
		/* An end that came before could not unpark: the two looks cannot both miss. */
		if (pendshare_lease_reason(&share->lease))
			unpark(share);
		return TRUE;
	}
	share->refused = status;
	share_end(share, PENDSHARE_FAILED, PENDSHARE_FAILURE_NONE);
	share_put(share);
	return FALSE;
}

/* Where the peer has rung already, ACCEPTED went out before its DOORBELL. */
static void announce(SHARE *share)
{
	KIRQL irql;

	KeAcquireSpinLock(&share->file->lock, &irql);
	events_add(share->file, share);
	KeReleaseSpinLock(&share->file->lock, irql);
	events_drain(share->file);
}

NTSTATUS share_begin(struct call *call)
{
	SHARE *share = share_of(call->request);
	NTSTATUS status = build(share, call);

	if (!NT_SUCCESS(status))
		return status;
	if (park(share)) {
		if (share->peer)
			share->peer->start(share->peer_context);
		/* Who unregisters looks for shares once: this one was in the hash then, or sees it. */
		if (share->peer && peer_is_leaving(share->peer))
			share_end(share, PENDSHARE_PEER_ENDED, PENDSHARE_FAILURE_NONE);
		announce(share);
		if (call->arguments.share.deadline_ns)
			alarm_start(&share->deadline, call->arguments.share.deadline_ns);
	}
	share_put(share);
	return STATUS_PENDING;
}

/* Ends a share; FALSE: something else has. The caller holds a reference. */
BOOLEAN share_end(SHARE *share, ULONG reason, ULONG failure)
{
	if (!pendshare_lease_end(&share->lease, reason))
		return FALSE;
	share->failure = failure;
	share_let_go(share);
	return TRUE;
}

void share_let_go(SHARE *share)
{
	if (share->peer)
		share->peer->stop(share->peer_context);
	alarm_stop(&share->deadline);
	unpark(share);
	share_put(share);
}

void share_let_go_all(SHARE *list)
{
	while (list) {
		SHARE *share = list;

		list = share->next;
		share_let_go(share);
	}
}

/*
 * The last one sends the share to the reaper, because completing it unlocks its pages: that
 * takes long when they are many, and is better not done in a DPC.
 */
void share_put(SHARE *share)
{
	DEVICE *device = share->file->device;
	KIRQL irql;

	if (!pendshare_lease_put(&share->lease))
		return;
	share->next = NULL;
	KeAcquireSpinLock(&device->lock, &irql);
	*device->ended_tail = share;
	device->ended_tail = &share->next;
	KeReleaseSpinLock(&device->lock, irql);
	WdfWorkItemEnqueue(device->reaper);
}

/* The framework hands over a parked request that was cancelled; <= DISPATCH_LEVEL. */
void share_canceled(WDFQUEUE queue, WDFREQUEST request)
{
	SHARE *share = share_of(request);

	UNREFERENCED_PARAMETER(queue);
	share_end(share, PENDSHARE_CANCELLED, PENDSHARE_FAILURE_NONE);
	share_put(share);
}

static void complete(SHARE *share)
{
	FILE_CONTEXT *file = share->file;
	ULONG64 pages = share->length / PAGE_SIZE;
	ULONG reason = pendshare_lease_reason(&share->lease);
	ULONG rings;

	detach(share);
	alarm_delete(&share->deadline);
	rings = file_remove(file, share);
	user_refund(file, pages);
	/* The request is what keeps the file; the share goes with it. */
	WdfObjectReference(file->handle);
	if (NT_SUCCESS(share->refused))
		WdfRequestCompleteWithInformation(
			share->request, (NTSTATUS)PENDSHARE_STATUS(reason, share->failure, rings),
			(ULONG_PTR)share->bytes);
	else
		WdfRequestComplete(share->request, share->refused);
	file_completed(file);
	events_drain(file);
	WdfObjectDereference(file->handle);
}

static SHARE *take_ended(DEVICE *device)
{
	SHARE *list;
	KIRQL irql;

	KeAcquireSpinLock(&device->lock, &irql);
	list = device->ended;
	device->ended = NULL;
	device->ended_tail = &device->ended;
	KeReleaseSpinLock(&device->lock, irql);
	return list;
}

/*
 * Completes what has ended. Enqueued while it runs, it runs again, perhaps at the same time on
 * another thread: each share is on one list only.
 */
void share_reap(WDFWORKITEM item)
{
	DEVICE *device = device_of(WdfWorkItemGetParentObject(item));
	SHARE *list;

	revoke_errands(device);
	while ((list = take_ended(device)) != NULL) {
		while (list) {
			SHARE *share = list;

			list = share->next;
			complete(share);
		}
	}
}
