// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The peers that SHARE can name, whoever adds them; how a share gets one and loses it; and
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

/* No share is left. What was not removed goes here. */
void peers_destroy(void)
{
	loaded = NULL;
	while (peers) {
		struct pendshare_peer *peer = CONTAINING_RECORD(peers, struct pendshare_peer, entry);

		peers = peers->next;
		WdfObjectDelete(peer->memory);
	}
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

/* The last one lets the removal return. */
static void peer_put(struct pendshare_peer *peer)
{
	ExAcquireFastMutex(&peers_lock);
	if (--peer->attached == 0 && peer->removed)
		KeSetEvent(&peer->unused, IO_NO_INCREMENT, FALSE);
	ExReleaseFastMutex(&peers_lock);
}

NTSTATUS peer_attach(SHARE *share, const struct pendshare_share *arguments, const void *options)
{
	struct pendshare_peer *peer;
	NTSTATUS status;

	if (!arguments->peer[0])
		return STATUS_SUCCESS;
	peer = peer_get(arguments->peer);
	if (!peer)
		return STATUS_NOT_FOUND;
	if ((peer->ops->access & ~share->access) || !peer->ops->frames != !share->frame_count)
		status = STATUS_INVALID_PARAMETER;
	else
		status = peer->ops->attach(peer->context, share, options, arguments->options_size,
					   &share->attachment);
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
	share->peer->ops->detach(share->attachment);
	peer_put(share->peer);
}

BOOLEAN peer_is_removed(const struct pendshare_peer *peer)
{
	BOOLEAN removed;

	ExAcquireFastMutex(&peers_lock);
	removed = peer->removed;
	ExReleaseFastMutex(&peers_lock);
	return removed;
}

void peer_names(char *list)
{
	ExAcquireFastMutex(&peers_lock);
	pendshare_names_list(peers, list);
	ExReleaseFastMutex(&peers_lock);
}

static NTSTATUS show(struct pendshare_peer *peer)
{
	static const NTSTATUS statuses[] = {
		[PENDSHARE_NAMES_ADDED] = STATUS_SUCCESS,
		[PENDSHARE_NAMES_INVALID] = STATUS_INVALID_PARAMETER,
		[PENDSHARE_NAMES_TAKEN] = STATUS_OBJECT_NAME_COLLISION,
		[PENDSHARE_NAMES_FULL] = STATUS_INSUFFICIENT_RESOURCES,
	};
	NTSTATUS status;

	ExAcquireFastMutex(&peers_lock);
	status = statuses[pendshare_names_add(&peers, &peer->entry, peer->name)];
	ExReleaseFastMutex(&peers_lock);
	return status;
}

NTSTATUS pendshare_peer_add(const struct pendshare_peer_ops *ops, const char *name, void *context,
			    struct pendshare_peer **added)
{
	DEVICE *device = loaded;
	WDF_OBJECT_ATTRIBUTES attributes;
	struct pendshare_peer *peer;
	WDFMEMORY memory;
	NTSTATUS status;
	void *buffer;

	*added = NULL;
	if (!device)
		return STATUS_DEVICE_NOT_READY;
	if (!ops->attach || !ops->start || !ops->stop || !ops->detach ||
	    pendshare_name_length(name) >= sizeof(peer->name))
		return STATUS_INVALID_PARAMETER;
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = device->handle;
	status = WdfMemoryCreate(&attributes, NonPagedPoolNx, PENDSHARE_POOL_TAG, sizeof(*peer),
				 &memory, &buffer);
	if (!NT_SUCCESS(status))
		return status;
	peer = buffer;
	RtlZeroMemory(peer, sizeof(*peer));
	peer->ops = ops;
	peer->context = context;
	peer->memory = memory;
	RtlCopyMemory(peer->name, name, pendshare_name_length(name));
	KeInitializeEvent(&peer->unused, NotificationEvent, FALSE);
	status = show(peer);
	if (NT_SUCCESS(status))
		*added = peer;
	else
		WdfObjectDelete(memory);
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
		list = file_mark_all(file, peer, PENDSHARE_DEVICE_REMOVED, list);
		KeReleaseSpinLock(&file->lock, irql);
	}
	ExReleaseFastMutex(&device->mutex);
	share_let_go_all(list);
}

/* By its address alone: pendshare may have been stopped, and the peer with it, and started again. */
static BOOLEAN hide(struct pendshare_peer *peer)
{
	struct pendshare_name *entry = peers;

	while (entry && CONTAINING_RECORD(entry, struct pendshare_peer, entry) != peer)
		entry = entry->next;
	if (!entry)
		return FALSE;
	pendshare_names_remove(&peers, entry);
	peer->removed = TRUE;
	return TRUE;
}

void pendshare_peer_remove(struct pendshare_peer *peer)
{
	BOOLEAN was_there;
	BOOLEAN idle;

	if (!peer || !loaded)
		return;
	ExAcquireFastMutex(&peers_lock);
	was_there = hide(peer);
	idle = !was_there || peer->attached == 0;
	ExReleaseFastMutex(&peers_lock);
	if (!was_there)
		return;
	end_shares_of(loaded, peer);
	if (!idle)
		KeWaitForSingleObject(&peer->unused, Executive, KernelMode, FALSE, NULL);
	/* The one who has set the event may still hold the lock, and use the peer. */
	ExAcquireFastMutex(&peers_lock);
	ExReleaseFastMutex(&peers_lock);
	WdfObjectDelete(peer->memory);
}

void pendshare_share_reply(SHARE *share, const void *reply, ULONG size)
{
	if (!share->answer || size > sizeof(share->answer->bytes))
		return;
	RtlCopyMemory(share->answer->bytes, reply, size);
	share->answer->size = size;
}

void *pendshare_share_map(SHARE *share)
{
	ULONG how = NormalPagePriority | MdlMappingNoExecute;

	if (!(share->access & PENDSHARE_ACCESS_WRITE))
		how |= MdlMappingNoWrite;
	if (!share->memory)
		share->memory = MmGetSystemAddressForMdlSafe(share->mdl, how);
	return share->memory;
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
