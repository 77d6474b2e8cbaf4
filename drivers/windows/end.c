// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The end of a share, whatever its reason: the first wins, and owes share_let_go().
 *
 * "Parked" stands for the request's place in the queue: it is dropped by whoever gets the
 * request out, and the queue gives it to one only: to share_unpark or to share_canceled.
 */
#include "driver.h"

/*
 * Gets the request out of the queue. Not found: it is not parked yet, and share_begin looks
 * again once it is; or someone else has it, who drops the reference.
 */
void share_unpark(SHARE *share)
{
	WDFREQUEST request;

	if (NT_SUCCESS(WdfIoQueueRetrieveFoundRequest(share->file->device->parked, share->request,
						      &request)))
		share_put(share);
}

void share_let_go(SHARE *share)
{
	if (share->peer)
		share->peer->ops->stop(share->attachment);
	alarm_stop(&share->deadline);
	share_unpark(share);
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

/* Ends a share; FALSE: something else has. The caller holds a reference. */
BOOLEAN share_end(SHARE *share, ULONG reason, ULONG failure)
{
	if (!pendshare_lease_end(&share->lease, reason))
		return FALSE;
	share->failure = failure;
	share_let_go(share);
	return TRUE;
}

SHARE *file_mark_all(FILE_CONTEXT *file, const struct pendshare_peer *peer, ULONG reason,
		     SHARE *list)
{
	SHARE *share;

	for (share = file_next(file, NULL); share; share = file_next(file, share)) {
		if ((peer && share->peer != peer) || !pendshare_lease_end(&share->lease, reason))
			continue;
		share->next = list;
		list = share;
	}
	return list;
}

/* The framework hands over a parked request that was cancelled; <= DISPATCH_LEVEL. */
void share_canceled(WDFQUEUE queue, WDFREQUEST request)
{
	SHARE *share = share_of(request);

	UNREFERENCED_PARAMETER(queue);
	share_end(share, PENDSHARE_CANCELLED, PENDSHARE_FAILURE_NONE);
	share_put(share);
}
