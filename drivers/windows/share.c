// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * How a share begins: its request gets a context, is checked and charged, attached to its peer,
 * listed with its file, and parked. Anything may end it from file_add on; the set-up reference
 * keeps it until share_begin returns.
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
NTSTATUS share_prepare(WDFREQUEST request, const struct pendshare_share *arguments)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	NTSTATUS status;
	void *context;
	SHARE *share;

	WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, SHARE);
	attributes.EvtCleanupCallback = share_cleanup;
	status = WdfObjectAllocateContext(request, &attributes, &context);
	if (!NT_SUCCESS(status))
		return status;
	share = context;
	share->request = request;
	if (arguments->flags & PENDSHARE_SHARE_EVENT)
		status = doorbell_reference(arguments->event, &share->event);
	return status;
}

/*
 * The memory is the request's buffer, and the arguments name none. The I/O manager has probed and
 * locked the pages already, by the other code for reading only; NULL and nothing have no MDL.
 */
static NTSTATUS take_memory(SHARE *share, const struct call *call)
{
	BOOLEAN readonly = call->code == PENDSHARE_IOC_SHARE_READONLY;
	size_t length = call->output_length;
	NTSTATUS status;

	if (!length || call->arguments.share.address || call->arguments.share.length ||
	    (readonly && share->access != PENDSHARE_ACCESS_READ))
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

	if (!pendshare_request_share(arguments))
		return STATUS_INVALID_PARAMETER;
	share->file = call->file;
	share->node.id = arguments->id;
	share->access = arguments->access;
	pendshare_news_init(&share->news);
	share->news.due = PENDSHARE_DUE_ACCEPTED;
	status = take_memory(share, call);
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
	status = peer_attach(share, arguments);
	if (!NT_SUCCESS(status))
		goto delete_deadline;
	/* One reference each for: the lease itself, this set-up, the place in the queue. */
	pendshare_lease_init(&share->lease);
	pendshare_lease_get(&share->lease);
	pendshare_lease_get(&share->lease);
	status = file_add(share->file, share);
	if (NT_SUCCESS(status))
		return status;
	peer_detach(share);
delete_deadline:
	alarm_delete(&share->deadline);
refund:
	user_refund(share->file, pages);
	return status;
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
			share_unpark(share);
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
