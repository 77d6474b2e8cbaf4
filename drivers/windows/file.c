// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * An open file from create to close, and the requests that end or notify one of its shares, or
 * end all.
 */
#include "driver.h"

/* Refuses new shares and ends all. When it returns, every share of the file has its reason. */
static void close_shares(FILE_CONTEXT *file)
{
	SHARE *list;
	KIRQL irql;

	KeAcquireSpinLock(&file->lock, &irql);
	file->closing = TRUE;
	list = file_mark_all(file, NULL, PENDSHARE_CLOSED, NULL);
	KeReleaseSpinLock(&file->lock, irql);
	share_let_go_all(list);
	events_drain(file);
}

/*
 * Whether the open was granted the one right that only administrators have. The rights that were
 * checked are in PreviouslyGrantedAccess, MAXIMUM_ALLOWED resolved; DesiredAccess has what nobody
 * has granted yet, and must not count: an open from kernel mode is not checked at all.
 *
 * It holds for the open, and so for every duplicate of its handle: no request tells by which it
 * came, and the code of an IOCTL can ask for reading and writing only. A duplicate has never more
 * access than its source, and one in another process may ask for INFO only, so that nobody gets
 * the right who did not have it. Rejected: checking the caller's token again at REVOKE; it says
 * who somebody is, not what the open was granted.
 */
static BOOLEAN may_revoke(WDFREQUEST request)
{
	WDF_REQUEST_PARAMETERS parameters;
	PIO_SECURITY_CONTEXT context;

	WDF_REQUEST_PARAMETERS_INIT(&parameters);
	WdfRequestGetParameters(request, &parameters);
	context = parameters.Parameters.Create.SecurityContext;
	return context && context->AccessState &&
	       (context->AccessState->PreviouslyGrantedAccess & WRITE_DAC);
}

void file_create(WDFDEVICE device, WDFREQUEST request, WDFFILEOBJECT handle)
{
	FILE_CONTEXT *file = file_of(handle);
	NTSTATUS status;

	file->handle = handle;
	file->device = device_of(device);
	file->administrator = may_revoke(request);
	KeInitializeSpinLock(&file->lock);
	KeInitializeEvent(&file->drained, NotificationEvent, FALSE);
	pendshare_events_init(&file->events);
	file->table.chains = file->chains;
	file->table.bits = PENDSHARE_TABLE_BITS;
	status = user_get(file->device, &file->user);
	if (NT_SUCCESS(status)) {
		file->owner = PsGetCurrentProcess();
		ObReferenceObject(file->owner);
		ExAcquireFastMutex(&file->device->mutex);
		InsertTailList(&file->device->files, &file->link);
		ExReleaseFastMutex(&file->device->mutex);
	}
	WdfRequestComplete(request, status);
}

/*
 * The last handle is gone. The framework cancels the queued requests of the file when this
 * returns; a SHARE that is on its way finds the file closing and is refused.
 */
void file_cleanup(WDFFILEOBJECT handle)
{
	close_shares(file_of(handle));
}

/* Every request of the file has been completed. */
void file_close(WDFFILEOBJECT handle)
{
	FILE_CONTEXT *file = file_of(handle);

	ExAcquireFastMutex(&file->device->mutex);
	RemoveEntryList(&file->link);
	ExReleaseFastMutex(&file->device->mutex);
	events_close(file);
	ObDereferenceObject(file->owner);
	user_put(file->device, file->user);
}

NTSTATUS file_shutdown(struct call *call)
{
	if (call->arguments.shutdown.flags)
		return STATUS_INVALID_PARAMETER;
	close_shares(call->file);
	return STATUS_SUCCESS;
}

static BOOLEAN zero(const void *bytes, size_t size)
{
	const UCHAR *byte = bytes;

	while (size--)
		if (*byte++)
			return FALSE;
	return TRUE;
}

/* RELEASE and CANCEL: they begin the end, SHARE's completion is the end. */
NTSTATUS file_end(struct call *call)
{
	const struct pendshare_end *end = &call->arguments.end;
	ULONG reason = call->code == PENDSHARE_IOC_RELEASE ? PENDSHARE_RELEASED
							   : PENDSHARE_CANCELLED;
	NTSTATUS status = STATUS_SUCCESS;
	SHARE *share;
	KIRQL irql;

	if ((end->flags & ~PENDSHARE_END_NOWAIT) || !zero(&end->event, sizeof(end->event)))
		return STATUS_INVALID_PARAMETER;
	KeAcquireSpinLock(&call->file->lock, &irql);
	share = file_find(call->file, end->id);
	if (!share)
		status = STATUS_NOT_FOUND;
	else if (!pendshare_lease_end(&share->lease, reason))
		status = STATUS_REQUEST_NOT_ACCEPTED;
	KeReleaseSpinLock(&call->file->lock, irql);
	if (NT_SUCCESS(status))
		share_let_go(share);
	return status;
}

/*
 * Only under a reference there is a peer: an ended share may still be in the hash, and its peer
 * gone. Who names a share that is only just beginning has its peer notified when that has started.
 */
NTSTATUS file_notify(struct call *call)
{
	NTSTATUS status = STATUS_SUCCESS;
	BOOLEAN started = FALSE;
	SHARE *share;
	KIRQL irql;

	if (call->arguments.notify.flags)
		return STATUS_INVALID_PARAMETER;
	KeAcquireSpinLock(&call->file->lock, &irql);
	share = file_find(call->file, call->arguments.notify.id);
	if (call->file->closing) {
		status = STATUS_PIPE_CLOSING;
	} else if (!share) {
		status = STATUS_NOT_FOUND;
	} else if (!pendshare_lease_get(&share->lease)) {
		status = STATUS_REQUEST_NOT_ACCEPTED;
	} else {
		started = share->started;
		share->notified = TRUE;
	}
	KeReleaseSpinLock(&call->file->lock, irql);
	if (!NT_SUCCESS(status))
		return status;
	if (!share->peer || !share->peer->ops->notify)
		status = STATUS_NOT_SUPPORTED;
	else if (started)
		share->peer->ops->notify(share->attachment);
	share_put(share);
	return status;
}
