// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What is left to do for a share without references, at PASSIVE_LEVEL: its peer detaches, it
 * leaves its file, and its request is completed, which unlocks its pages.
 */
#include "driver.h"

static void complete(SHARE *share)
{
	FILE_CONTEXT *file = share->file;
	ULONG64 pages = share->length / PAGE_SIZE;
	ULONG reason = pendshare_lease_reason(&share->lease);
	ULONG rings;

	peer_detach(share);
	frames_free(share);
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

/*
 * Completes what has ended. Enqueued while it runs, it runs again, perhaps at the same time on
 * another thread: each share is on one list only.
 */
void share_reap(WDFWORKITEM item)
{
	DEVICE *device = device_of(WdfWorkItemGetParentObject(item));
	SHARE *list;

	revoke_errands(device);
	while ((list = ended_take(device)) != NULL) {
		while (list) {
			SHARE *share = list;

			list = share->next;
			complete(share);
		}
	}
}
