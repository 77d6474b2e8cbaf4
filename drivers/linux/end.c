// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a share ends: the first reason wins, whoever gives back the last reference of
 * its lease sees to the teardown, and END is told only when that is done.
 *
 *	detach the peer ─ timer ─ unmap ─ unpin ─ uncharge ─ publish END ─ put the peer
 *
 * Ending can begin in any context, hard interrupts included, and never allocates. The
 * teardown sleeps: it runs in the call that ended the share, or in a work item.
 */
#include <linux/eventfd.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "compat.h"
#include "internal.h"
#include "trace.h"

static struct workqueue_struct *ps_teardown_queue;

int ps_end_init(void)
{
	ps_teardown_queue = alloc_workqueue("pendshare", WQ_UNBOUND, 0);
	return ps_teardown_queue ? 0 : -ENOMEM;
}

/* Waits for teardowns that are on their last lines. */
void ps_end_exit(void)
{
	destroy_workqueue(ps_teardown_queue);
}

/*
 * The last of a share: tells its END, or leaves it to the call that waits for it. The file
 * is not touched outside of its lock, because whoever waits for the last share takes the
 * lock before it frees the file. waited: someone may sleep until this has happened.
 */
static void ps_publish_end(struct ps_share *share, bool waited)
{
	struct ps_file *file = share->file;

	spin_lock(&file->lock);
	list_del(&share->live);
	WRITE_ONCE(share->ended, true);
	if (share->end_taken)
		ps_share_unhash(share);
	/* with the table's reference alone nothing is queued, and nobody looks at the share */
	waited |= refcount_read(&share->refs) > 1;
	if (waited || !share->end_taken)
		ps_event_finish(share);
	file->pinned -= share->pages.count;
	smp_store_release(&file->nr_shares, file->nr_shares - 1); /* after END was queued */
	if (!file->nr_shares && (file->closing || file->revoked))
		wake_up(&file->wait);
	spin_unlock(&file->lock);
	if (waited) {
		smp_mb(); /* ended is visible before we look for waiters */
		wake_up_var(share);
	}
}

/* The caller dropped the last reference of an ended lease: it alone comes here, once. */
static void ps_teardown(struct ps_share *share, bool waited)
{
	struct pendshare_frames *frames = share->frames;
	struct pendshare_peer *peer = share->peer;
	struct ps_file *file = share->file;

	if (peer)
		peer->ops->detach(share, peer->context);
	ps_disarm(share);
	if (share->event)
		eventfd_ctx_put(share->event);
	if (share->dma)
		ps_dma_unmap(share->dma);
	if (share->mapping)
		ps_pages_unmap(&share->pages, share->mapping);
	ps_pages_unpin(file, &share->pages, share->dirty);
	ps_user_uncharge_share(file->user);
	trace_pendshare_end(share);
	ps_publish_end(share, waited); /* the share can be gone, what it had only after this */
	kfree(frames);
	if (peer)
		ps_peer_put(peer);
}

static void ps_teardown_work(struct work_struct *work)
{
	ps_teardown(container_of(work, struct ps_share, teardown), true);
}

/* Once in the life of a share, which is why the work item is not set up before. */
static void ps_teardown_later(struct ps_share *share)
{
	INIT_WORK(&share->teardown, ps_teardown_work);
	queue_work(ps_teardown_queue, &share->teardown);
}

/* Gives a lease reference back, in any context. */
void ps_lease_put(struct ps_share *share)
{
	if (pendshare_lease_put(&share->lease))
		ps_teardown_later(share);
}

/* Begins the end, in any context. The caller keeps the share alive by what it is or holds. */
bool ps_end(struct ps_share *share, enum pendshare_reason reason)
{
	if (!pendshare_lease_end(&share->lease, reason))
		return false;
	ps_lease_put(share);
	return true;
}

/*
 * Tears the share down right here, unless someone still uses the memory: then waits for them.
 * The caller won the lease's end with end_taken set, so the teardown leaves it the END and
 * the table's reference: returns 0. -EINTR: killed while waiting; the END will be queued.
 */
int ps_end_wait(struct ps_share *share)
{
	struct ps_file *file = share->file;
	int ret = 0;

	if (pendshare_lease_put(&share->lease)) {
		ps_teardown(share, false);
		return 0;
	}
	if (wait_var_event_killable(share, READ_ONCE(share->ended))) {
		spin_lock(&file->lock);
		if (!share->ended) {
			share->end_taken = false;
			ret = -EINTR;
		}
		spin_unlock(&file->lock);
	}
	return ret;
}

/* The next live share, off the list of the living. Under file->lock. */
static struct ps_share *ps_take_live(struct ps_file *file)
{
	struct ps_share *share;

	share = list_first_entry_or_null(&file->live, struct ps_share, live);
	if (share)
		list_del_init(&share->live);
	return share;
}

/*
 * Ends every share of the file; the caller's reason also closes or revokes it, so that none is
 * added. One that we fail to end was ended by someone else, and is theirs. wait: tears
 * down in this context, and returns when every last share has ended.
 */
void ps_file_end_all(struct ps_file *file, enum pendshare_reason reason, bool wait)
{
	struct ps_share *share;

	spin_lock(&file->lock);
	if (reason == PENDSHARE_DEVICE_REMOVED)
		file->revoked = true;
	else
		file->closing = true;
	while ((share = ps_take_live(file))) {
		bool last = pendshare_lease_end(&share->lease, reason) &&
			    pendshare_lease_put(&share->lease);

		if (last && !wait)
			ps_teardown_later(share);
		spin_unlock(&file->lock);
		if (last && wait)
			ps_teardown(share, true);
		cond_resched();
		spin_lock(&file->lock);
	}
	wake_up(&file->wait); /* it may have been empty: readers learn that it is closing */
	spin_unlock(&file->lock);
	if (!wait)
		return;
	wait_event(file->wait, !READ_ONCE(file->nr_shares));
	spin_lock(&file->lock); /* until the last publisher has let go of the file */
	spin_unlock(&file->lock);
}

static enum hrtimer_restart ps_expired(struct hrtimer *timer)
{
	struct ps_share *share = container_of(timer, struct ps_share, timer);

	ps_end(share, pendshare_due_reason(&share->due));
	return HRTIMER_NORESTART;
}

/* Ends the share at a time unless something did so before. Under file->event_lock. */
void ps_arm(struct ps_share *share, u64 delay_ns, enum pendshare_reason reason)
{
	u64 at_ns = pendshare_due_after(ktime_get_ns(), delay_ns, KTIME_MAX);
	bool first = !share->due.at_ns;

	if (!pendshare_due_by(&share->due, at_ns, reason))
		return;
	if (first) {
		ps_hrtimer_setup(&share->timer, ps_expired, CLOCK_MONOTONIC,
				 HRTIMER_MODE_ABS_SOFT);
	}
	hrtimer_start(&share->timer, ns_to_ktime(at_ns), HRTIMER_MODE_ABS_SOFT);
}

/* After detach: until then the peer may recall, which starts the timer. */
void ps_disarm(struct ps_share *share)
{
	if (share->due.at_ns)
		hrtimer_cancel(&share->timer);
}

/* By a peer of the share, or with a reference of its lease: it cannot be torn down meanwhile. */
void ps_recall(struct ps_share *share, u32 grace_ms)
{
	struct ps_file *file = share->file;
	unsigned long flags;

	spin_lock_irqsave(&file->event_lock, flags);
	pendshare_news_recall(&share->news, grace_ms);
	ps_event_queue(share);
	ps_arm(share, (u64)grace_ms * NSEC_PER_MSEC, PENDSHARE_RECALLED);
	spin_unlock_irqrestore(&file->event_lock, flags);
}

static void ps_recall_live(struct ps_share *share, u32 grace_ms)
{
	if (pendshare_lease_get(&share->lease)) {
		ps_recall(share, grace_ms);
		ps_lease_put(share);
	}
}

/*
 * Visits as many shares as there are now, from head to tail, one at each hold of the lock. Those
 * of `peer` end; without one all are recalled.
 */
static void ps_file_visit(struct ps_file *file, const struct pendshare_peer *peer, u32 grace_ms)
{
	struct ps_share *share;
	unsigned int left;

	spin_lock(&file->lock);
	for (left = file->nr_shares; left; left--) {
		share = list_first_entry_or_null(&file->live, struct ps_share, live);
		if (!share)
			break;
		list_move_tail(&share->live, &file->live);
		if (!peer)
			ps_recall_live(share, grace_ms);
		else if (share->peer == peer)
			ps_end(share, PENDSHARE_DEVICE_REMOVED);
		spin_unlock(&file->lock);
		cond_resched();
		spin_lock(&file->lock);
	}
	spin_unlock(&file->lock);
}

void ps_file_recall_all(struct ps_file *file, u32 grace_ms)
{
	ps_file_visit(file, NULL, grace_ms);
}

void ps_file_end_peer(struct ps_file *file, const struct pendshare_peer *peer)
{
	ps_file_visit(file, peer, 0);
}
