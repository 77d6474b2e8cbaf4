// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The shares that live on an open file, found by their ids, and how many they are.
 *
 * A share is in the hash from file_add to file_remove; whoever finds it there under the lock may
 * take a reference or end it, and only that keeps it alive afterwards.
 */
#include "driver.h"

static SHARE **bucket_of(FILE_CONTEXT *file, ULONG64 id)
{
	/* Fibonacci hashing: owners count ids up, or use multiples of something. */
	return &file->buckets[(id * 0x9e3779b97f4a7c15ull) >> 56];
}

C_ASSERT(PENDSHARE_BUCKETS == 256);

SHARE *file_find(FILE_CONTEXT *file, ULONG64 id)
{
	SHARE *share = *bucket_of(file, id);

	while (share && share->id != id)
		share = share->bucket;
	return share;
}

SHARE *file_next(FILE_CONTEXT *file, SHARE *share)
{
	SHARE **bucket = share ? bucket_of(file, share->id) + 1 : file->buckets;

	if (!file->shares)
		return NULL;
	if (share && share->bucket)
		return share->bucket;
	while (bucket < file->buckets + PENDSHARE_BUCKETS && !*bucket)
		bucket++;
	return bucket < file->buckets + PENDSHARE_BUCKETS ? *bucket : NULL;
}

NTSTATUS file_add(FILE_CONTEXT *file, SHARE *share)
{
	SHARE **bucket = bucket_of(file, share->id);
	NTSTATUS status = STATUS_SUCCESS;
	KIRQL irql;

	KeAcquireSpinLock(&file->lock, &irql);
	if (file->dead) {
		status = STATUS_DEVICE_REMOVED;
	} else if (file->closing) {
		status = STATUS_PIPE_CLOSING;
	} else if (file_find(file, share->id)) {
		status = STATUS_OBJECT_NAME_COLLISION;
	} else {
		share->bucket = *bucket;
		*bucket = share;
		file->live++;
		file->shares++;
		file->pages += share->length / PAGE_SIZE;
	}
	KeReleaseSpinLock(&file->lock, irql);
	return status;
}

ULONG file_remove(FILE_CONTEXT *file, SHARE *share)
{
	SHARE **link = bucket_of(file, share->id);
	KIRQL irql;

	KeAcquireSpinLock(&file->lock, &irql);
	while (*link != share)
		link = &(*link)->bucket;
	*link = share->bucket;
	file->shares--;
	file->pages -= share->length / PAGE_SIZE;
	RemoveEntryList(&share->event_link);
	KeReleaseSpinLock(&file->lock, irql);
	return share->rings;
}

/* The share's request is completed: the end of the event stream may follow it now. */
void file_completed(FILE_CONTEXT *file)
{
	KIRQL irql;

	KeAcquireSpinLock(&file->lock, &irql);
	file->live--;
	KeReleaseSpinLock(&file->lock, irql);
}
