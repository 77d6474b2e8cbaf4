// SPDX-License-Identifier: GPL-2.0-only
/*
 * What shares tell their owner: events.h with this system's lock, references and readers.
 */
#include <linux/poll.h>

#include "internal.h"

/* Queues a share that may have something to tell. Under file->event_lock. */
void ps_event_queue(struct ps_share *share)
{
	lockdep_assert_held(&share->file->event_lock);
	if (share->silent || !pendshare_events_add(&share->file->events, &share->news))
		return;
	refcount_inc(&share->refs);
	wake_up(&share->file->wait);
}

/* What a peer rings before its share is accepted is told then. Under file->event_lock. */
void ps_event_ring(struct ps_share *share)
{
	share->all_rings++;
	if (share->belled && !share->silent) {
		ps_bells_ring(share, 1);
		return;
	}
	share->news.rings++;
	ps_event_queue(share);
}

/* The share is accepted. Under file->event_lock. */
void ps_event_begin(struct ps_share *share)
{
	share->silent = false;
	if (share->belled && share->news.rings) {
		ps_bells_ring(share, share->news.rings);
		share->news.rings = 0;
	}
	ps_event_queue(share);
}

/* Nothing is to be told any more. Under file->event_lock; the caller holds a reference. */
void ps_event_drop(struct ps_share *share)
{
	lockdep_assert_held(&share->file->event_lock);
	if (!pendshare_news_queued(&share->news))
		return;
	pendshare_news_remove(&share->news);
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
		share->news.due |= PENDSHARE_DUE_END;
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
	share->news.due |= PENDSHARE_DUE_END;
	ps_event_queue(share);
	spin_unlock_irq(&file->event_lock);
}
