// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The references of a share, and the shares that have lost their last one: they wait in
 * device->ended, in their order, until the reaper takes them.
 *
 * References of a live share: its own (taken from the winner of the end), set-up (share_begin's
 * until it returns), parked, and one for each alarm, work item, notification and report under
 * way. The last is dropped once, and so each share is listed once; share->next is free by then,
 * since who ends many reads it before giving the share's own reference back.
 */
#include "driver.h"

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

SHARE *ended_take(DEVICE *device)
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
