// SPDX-License-Identifier: GPL-2.0-only
/*
 * What shares tell their owner, and the queue of those that have something to tell.
 *
 * A share is its own node in the queue: what it has to tell is counted or flagged in it,
 * so telling never allocates and works in hard interrupts. What a share tells comes in
 * order: rings, recall, END.
 */
#include <linux/poll.h>

#include "internal.h"

/* Queues a share that may have something to tell. Under file->event_lock. */
void ps_event_queue(struct ps_share *share)
{
	lockdep_assert_held(&share->file->event_lock);
	if (share->silent || !ps_has_event(share) || !list_empty(&share->queued))
		return;
	refcount_inc(&share->refs);
	list_add_tail(&share->queued, &share->file->events);
	wake_up(&share->file->wait);
}

/* Nothing is to be told any more. Under file->event_lock; the caller holds a reference. */
void ps_event_drop(struct ps_share *share)
{
	lockdep_assert_held(&share->file->event_lock);
	if (list_empty(&share->queued))
		return;
	list_del_init(&share->queued);
	ps_share_put(share);
}

/* The share was torn down: queues its END, or voids what is queued when a call has taken it. */
void ps_event_finish(struct ps_share *share)
{
	struct ps_file *file = share->file;

	spin_lock_irq(&file->event_lock);
	if (share->end_taken) {
		share->told = true;
		ps_event_drop(share);
	} else {
		share->end_due = true;
		ps_event_queue(share);
	}
	spin_unlock_irq(&file->event_lock);
}

/* The call that has taken the END could not deliver it: queue it after all. */
void ps_event_return(struct ps_share *share)
{
	struct ps_file *file = share->file;

	spin_lock_irq(&file->event_lock);
	share->told = false;
	share->end_due = true;
	ps_event_queue(share);
	spin_unlock_irq(&file->event_lock);
}
