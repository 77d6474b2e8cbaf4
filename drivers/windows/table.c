// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The shares that live on an open file, found by their ids, and how many they are.
 *
 * A share is in the table from file_add to file_remove; whoever finds it there under the lock may
 * take a reference or end it, and only that keeps it alive afterwards.
 */
#include "driver.h"

static SHARE *share_at(struct pendshare_node *node)
{
	return node ? CONTAINING_RECORD(node, SHARE, node) : NULL;
}

SHARE *file_find(FILE_CONTEXT *file, ULONG64 id)
{
	return share_at(pendshare_find(&file->table, id));
}

SHARE *file_next(FILE_CONTEXT *file, SHARE *share)
{
	if (!file->shares)
		return NULL;
	return share_at(pendshare_next(&file->table, share ? &share->node : NULL));
}

NTSTATUS file_add(FILE_CONTEXT *file, SHARE *share)
{
	NTSTATUS status = STATUS_SUCCESS;
	KIRQL irql;

	KeAcquireSpinLock(&file->lock, &irql);
	if (file->dead) {
		status = STATUS_DEVICE_REMOVED;
	} else if (file->closing) {
		status = STATUS_PIPE_CLOSING;
	} else if (file_find(file, share->node.id)) {
		status = STATUS_OBJECT_NAME_COLLISION;
	} else {
		pendshare_insert(&file->table, &share->node);
		file->live++;
		file->shares++;
		file->pages += share->length / PAGE_SIZE;
	}
	KeReleaseSpinLock(&file->lock, irql);
	return status;
}

ULONG file_remove(FILE_CONTEXT *file, SHARE *share)
{
	KIRQL irql;

	KeAcquireSpinLock(&file->lock, &irql);
	pendshare_remove(&share->node);
	file->shares--;
	file->pages -= share->length / PAGE_SIZE;
	if (pendshare_news_queued(&share->news))
		pendshare_news_remove(&share->news);
	KeReleaseSpinLock(&file->lock, irql);
	return (ULONG)share->news.rings;
}

/* The share's request is completed: the end of the event stream may follow it now. */
void file_completed(FILE_CONTEXT *file)
{
	KIRQL irql;

	KeAcquireSpinLock(&file->lock, &irql);
	file->live--;
	KeReleaseSpinLock(&file->lock, irql);
}
