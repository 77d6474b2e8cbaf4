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

/* What is wrong with its size is said later, where all is checked. */
static NTSTATUS lock_reply(SHARE *share, const struct pendshare_share *arguments)
{
	WDFMEMORY memory;
	NTSTATUS status;

	if (!arguments->reply || !arguments->reply_size ||
	    arguments->reply_size > PENDSHARE_REPLY_MAX)
		return STATUS_SUCCESS;
	status = WdfRequestProbeAndLockUserBufferForWrite(
		share->request, (PVOID)(ULONG_PTR)arguments->reply, arguments->reply_size, &memory);
	if (!NT_SUCCESS(status))
		return status;
	share->reply = WdfMemoryGetBuffer(memory, NULL);
	share->reply_size = arguments->reply_size;
	return STATUS_SUCCESS;
}

/*
 * Gives the request its context, the event its reference while handles mean something, and locks
 * the buffer for the reply while addresses do.
 */
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
	return NT_SUCCESS(status) ? lock_reply(share, arguments) : status;
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
	if (!pendshare_request_frames(&call->arguments.share, length, PAGE_SIZE))
		return STATUS_INVALID_PARAMETER;
	share->length = length;
	return STATUS_SUCCESS;
}

/* Those that do not fit the structure follow it in the input, which is a copy of the system's. */
static NTSTATUS find_options(const struct call *call, const void **options)
{
	const struct pendshare_share *arguments = &call->arguments.share;
	NTSTATUS status;
	void *input;

	*options = arguments->options;
	if (!arguments->more)
		return STATUS_SUCCESS;
	if (arguments->more != arguments->size || (arguments->size & 7u))
		return STATUS_INVALID_PARAMETER;
	status = WdfRequestRetrieveInputBuffer(
		call->request, (size_t)arguments->size + arguments->options_size, &input, NULL);
	if (!NT_SUCCESS(status))
		return STATUS_INVALID_PARAMETER;
	*options = (const UCHAR *)input + arguments->size;
	return STATUS_SUCCESS;
}

static void deadline_passed(struct alarm *alarm)
{
	share_end(alarm->share, PENDSHARE_DEADLINE, PENDSHARE_FAILURE_NONE);
}

/* Makes everything that a share needs; on failure nothing of it is left. */
static NTSTATUS build(SHARE *share, struct call *call, struct answer *answer)
{
	const struct pendshare_share *arguments = &call->arguments.share;
	const void *options;
	ULONG64 pages;
	NTSTATUS status;

	if (!pendshare_request_share(arguments) || (arguments->flags & PENDSHARE_SHARE_BELL))
		return STATUS_INVALID_PARAMETER;
	status = find_options(call, &options);
	if (!NT_SUCCESS(status))
		return status;
	share->file = call->file;
	share->node.id = arguments->id;
	share->access = arguments->access;
	pendshare_news_init(&share->news);
	share->news.due = PENDSHARE_DUE_ACCEPTED;
	status = take_memory(share, call);
	if (!NT_SUCCESS(status))
		return status;
	share->frame_count = arguments->frame_count;
	share->frame_bytes = arguments->frame_bytes;
	pages = share->length / PAGE_SIZE;
	status = user_charge(share->file, pages);
	if (!NT_SUCCESS(status))
		return status;
	if (arguments->deadline_ns)
		status = alarm_create(&share->deadline, share, deadline_passed, 0);
	if (!NT_SUCCESS(status))
		goto refund;
	share->answer = share->reply ? answer : NULL;
	status = peer_attach(share, arguments, options);
	share->answer = NULL;
	if (!NT_SUCCESS(status))
		goto dispose;
	/* One reference each for: the lease itself, this set-up, the place in the queue. */
	pendshare_lease_init(&share->lease);
	pendshare_lease_get(&share->lease);
	pendshare_lease_get(&share->lease);
	status = file_add(share->file, share);
	if (NT_SUCCESS(status))
		return status;
	peer_detach(share);
dispose:
	frames_free(share);
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

/* NOTIFY finds the share before its peer has started: what it asked for by then is done here. */
static void start_peer(SHARE *share)
{
	BOOLEAN notified;
	KIRQL irql;

	frames_format(share);
	share->peer->ops->start(share->attachment);
	KeAcquireSpinLock(&share->file->lock, &irql);
	share->started = TRUE;
	notified = share->notified;
	KeReleaseSpinLock(&share->file->lock, irql);
	if (notified && share->peer->ops->notify)
		share->peer->ops->notify(share->attachment);
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
	struct answer answer;
	NTSTATUS status;

	answer.size = 0;
	status = build(share, call, &answer);
	if (!NT_SUCCESS(status))
		return status;
	/* Before anyone can complete the request, which unlocks the buffer. */
	if (answer.size)
		RtlCopyMemory(share->reply, answer.bytes,
			      answer.size < share->reply_size ? answer.size : share->reply_size);
	if (park(share)) {
		if (share->peer)
			start_peer(share);
		/* Who removes a peer looks for shares once: this one was in the hash then, or sees it. */
		if (share->peer && peer_is_removed(share->peer))
			share_end(share, PENDSHARE_DEVICE_REMOVED, PENDSHARE_FAILURE_NONE);
		announce(share);
		if (call->arguments.share.deadline_ns)
			alarm_start(&share->deadline, call->arguments.share.deadline_ns);
	}
	share_put(share);
	return STATUS_PENDING;
}
