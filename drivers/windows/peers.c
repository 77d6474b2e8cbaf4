// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The peers that SHARE can name, whoever registers them; how a share gets one and loses it; and
 * what a peer may do with a share.
 */
#include "driver.h"

/* Zero before the device is there and after it has gone: an importing driver may outlive both. */
static DEVICE *loaded;
static FAST_MUTEX peers_lock;
static struct pendshare_name *peers; /* peers_lock */

void peers_create(DEVICE *device)
{
	ExInitializeFastMutex(&peers_lock);
	peers = NULL;
	loaded = device;
}

/* No share is left. Peers that are still registered find nothing to unregister from. */
void peers_destroy(void)
{
	loaded = NULL;
}

/* NULL: none of that name. */
static struct pendshare_peer *peer_get(const char *name)
{
	struct pendshare_peer *peer = NULL;
	struct pendshare_name *entry;

	ExAcquireFastMutex(&peers_lock);
	entry = pendshare_names_find(peers, name);
	if (entry) {
		peer = CONTAINING_RECORD(entry, struct pendshare_peer, entry);
		peer->attached++;
	}
	ExReleaseFastMutex(&peers_lock);
	return peer;
}

/* The last one lets a peer go that unregisters. */
static void peer_put(struct pendshare_peer *peer)
{
	ExAcquireFastMutex(&peers_lock);
	if (--peer->attached == 0 && peer->leaving)
		KeSetEvent(&peer->left, IO_NO_INCREMENT, FALSE);
	ExReleaseFastMutex(&peers_lock);
}

NTSTATUS peer_attach(SHARE *share, const struct pendshare_share *arguments)
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

void peer_detach(SHARE *share)
{
	if (!share->peer)
		return;
	share->peer->detach(share->peer_context);
	peer_put(share->peer);
}

BOOLEAN peer_is_leaving(const struct pendshare_peer *peer)
{
	BOOLEAN leaving;

	ExAcquireFastMutex(&peers_lock);
	leaving = peer->leaving;
	ExReleaseFastMutex(&peers_lock);
	return leaving;
}

void peer_names(char *list)
{
	ExAcquireFastMutex(&peers_lock);
	pendshare_names_list(peers, list);
	ExReleaseFastMutex(&peers_lock);
}

NTSTATUS pendshare_peer_register(struct pendshare_peer *peer)
{
	static const NTSTATUS statuses[] = {
		[PENDSHARE_NAMES_ADDED] = STATUS_SUCCESS,
		[PENDSHARE_NAMES_INVALID] = STATUS_INVALID_PARAMETER,
		[PENDSHARE_NAMES_TAKEN] = STATUS_OBJECT_NAME_COLLISION,
		[PENDSHARE_NAMES_FULL] = STATUS_INSUFFICIENT_RESOURCES,
	};
	NTSTATUS status;

	if (!loaded)
		return STATUS_DEVICE_NOT_READY;
	if (!peer->attach || !peer->start || !peer->stop || !peer->detach)
		return STATUS_INVALID_PARAMETER;
	ExAcquireFastMutex(&peers_lock);
	status = statuses[pendshare_names_add(&peers, &peer->entry, peer->name)];
	if (NT_SUCCESS(status)) {
		peer->attached = 0;
		peer->leaving = FALSE;
		KeInitializeEvent(&peer->left, NotificationEvent, FALSE);
	}
	ExReleaseFastMutex(&peers_lock);
	return status;
}

/* Ends every share of the peer that is in a hash by now. */
static void end_shares_of(DEVICE *device, const struct pendshare_peer *peer)
{
	SHARE *list = NULL;
	LIST_ENTRY *link;
	KIRQL irql;

	ExAcquireFastMutex(&device->mutex);
	for (link = device->files.Flink; link != &device->files; link = link->Flink) {
		FILE_CONTEXT *file = CONTAINING_RECORD(link, FILE_CONTEXT, link);

		KeAcquireSpinLock(&file->lock, &irql);
		list = file_mark_all(file, peer, PENDSHARE_PEER_ENDED, list);
		KeReleaseSpinLock(&file->lock, irql);
	}
	ExReleaseFastMutex(&device->mutex);
	share_let_go_all(list);
}

void pendshare_peer_unregister(struct pendshare_peer *peer)
{
	BOOLEAN idle;

	if (!loaded)
		return;
	ExAcquireFastMutex(&peers_lock);
	pendshare_names_remove(&peers, &peer->entry);
	peer->leaving = TRUE;
	idle = peer->attached == 0;
	ExReleaseFastMutex(&peers_lock);
	end_shares_of(loaded, peer);
	if (!idle)
		KeWaitForSingleObject(&peer->left, Executive, KernelMode, FALSE, NULL);
	/* The one who has set the event may still hold the lock, and use the peer. */
	ExAcquireFastMutex(&peers_lock);
	ExReleaseFastMutex(&peers_lock);
}

void *pendshare_share_map(SHARE *share)
{
	ULONG how = NormalPagePriority | MdlMappingNoExecute;

	if (!(share->access & PENDSHARE_ACCESS_WRITE))
		how |= MdlMappingNoWrite;
	return MmGetSystemAddressForMdlSafe(share->mdl, how);
}

ULONG64 pendshare_share_length(const SHARE *share)
{
	return share->length;
}

ULONG pendshare_share_access(const SHARE *share)
{
	return share->access;
}

PMDL pendshare_share_mdl(const SHARE *share)
{
	return share->mdl;
}

BOOLEAN pendshare_share_get(SHARE *share)
{
	return (BOOLEAN)pendshare_lease_get(&share->lease);
}

void pendshare_share_put(SHARE *share)
{
	share_put(share);
}

BOOLEAN pendshare_share_ending(const SHARE *share)
{
	return pendshare_lease_reason(&share->lease) != PENDSHARE_LIVE;
}

void pendshare_share_ring(SHARE *share)
{
	doorbell_ring(share);
}

void pendshare_share_written(SHARE *share, ULONG64 bytes)
{
	LONG64 wanted = (LONG64)(bytes < share->length ? bytes : share->length);
	LONG64 seen = share->bytes;

	while (seen < wanted) {
		LONG64 found = InterlockedCompareExchange64(&share->bytes, wanted, seen);

		if (found == seen)
			return;
		seen = found;
	}
}

void pendshare_share_end(SHARE *share)
{
	share_end(share, PENDSHARE_PEER_ENDED, PENDSHARE_FAILURE_NONE);
}

void pendshare_share_fail(SHARE *share, enum pendshare_failure failure)
{
	share_end(share, PENDSHARE_FAILED, failure);
}
