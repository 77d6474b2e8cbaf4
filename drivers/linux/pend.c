// SPDX-License-Identifier: GPL-2.0-only
/*
 * PEND: delivers what shares have to tell.
 *
 * Events are taken off the queue under the lock, copied without it, and put back if the
 * copy failed, so that a fault or a stalled page loses and blocks nothing.
 */
#include <linux/fault-inject-usercopy.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/wait_bit.h>

#include "internal.h"

#define PS_BATCH 16

/* Events on their way to user memory; shares[i] is NULL for the file's own. */
struct ps_batch {
	unsigned int count;
	struct ps_share *shares[PS_BATCH]; /* a reference each */
	struct pendshare_event events[PS_BATCH];
};

static void ps_event_end(const struct ps_share *share, struct pendshare_event *event)
{
	*event = (struct pendshare_event){
		.id = share->node.id,
		.kind = PENDSHARE_EVENT_END,
		.reason = pendshare_lease_reason(&share->lease),
		.value = share->written,
	};
	if (event->reason == PENDSHARE_FAILED)
		event->failure = share->failure;
}

/* The END of a share that was torn down, to whoever waited for it. */
int ps_event_put_end(const struct ps_share *share, struct pendshare_event __user *to)
{
	struct pendshare_event event;

	ps_event_end(share, &event);
	if (should_fail_usercopy() || !user_write_access_begin(to, sizeof(*to)))
		return -EFAULT;
	unsafe_copy_to_user((char __user *)to, (char *)&event, sizeof(event), fault);
	user_write_access_end();
	return 0;
fault:
	user_write_access_end();
	return -EFAULT;
}

/* Takes the share's next event. */
static void ps_take(struct ps_share *share, struct pendshare_event *event)
{
	*event = (struct pendshare_event){ .id = share->node.id };
	pendshare_news_take(&share->news, event);
	if (event->kind == PENDSHARE_EVENT_END)
		ps_event_end(share, event);
}

/* Puts back what was not delivered. It is void if someone else delivered the END meanwhile. */
static void ps_untake(struct ps_share *share, const struct pendshare_event *event)
{
	if (share->told)
		return;
	if (pendshare_events_untake(&share->file->events, &share->news, event))
		refcount_inc(&share->refs);
}

/* The END was delivered: the id is free. Under both locks; the caller holds a reference. */
static void ps_told(struct ps_share *share)
{
	share->told = true;
	if (!pendshare_in_table(&share->node))
		return;
	ps_share_unhash(share);
	ps_share_put(share);
}

/*
 * Whether the file has nothing more to tell of its shares: it is closing, the last of them has
 * ended, and all that was queued was delivered. Under file->event_lock.
 */
static bool ps_is_over(struct ps_file *file)
{
	if (!READ_ONCE(file->closing) && !READ_ONCE(file->revoked))
		return false;
	/* pairs with the release in ps_publish_end(): the last END is queued before */
	if (smp_load_acquire(&file->nr_shares))
		return false;
	return !pendshare_events_first(&file->events) && !file->in_flight;
}

/* Whether REMOVED comes next. Under file->event_lock. */
static bool ps_removed_due(struct ps_file *file)
{
	return READ_ONCE(file->revoked) && !file->removed_told && ps_is_over(file);
}

static void ps_batch_take(struct ps_file *file, struct ps_batch *batch, unsigned int most)
{
	struct pendshare_news *news;

	batch->count = 0;
	spin_lock_irq(&file->event_lock);
	while (batch->count < most && (news = pendshare_events_first(&file->events))) {
		struct ps_share *share = container_of(news, struct ps_share, news);

		ps_take(share, &batch->events[batch->count]);
		batch->shares[batch->count++] = share;
		if (pendshare_news_any(news))
			refcount_inc(&share->refs);
		else
			pendshare_news_remove(news); /* the queue's reference is ours now */
	}
	if (batch->count < most && ps_removed_due(file)) {
		batch->events[batch->count] = (struct pendshare_event){
			.kind = PENDSHARE_EVENT_REMOVED,
		};
		batch->shares[batch->count++] = NULL;
		file->removed_told = true;
	}
	file->in_flight += !!batch->count;
	spin_unlock_irq(&file->event_lock);
}

/* Backwards, so that what is put back at the head comes out in the old order. */
static void ps_batch_settle(struct ps_file *file, struct ps_batch *batch, bool delivered)
{
	unsigned int i;

	spin_lock(&file->lock);
	spin_lock_irq(&file->event_lock);
	for (i = batch->count; i--;) {
		struct ps_share *share = batch->shares[i];

		if (!share) {
			file->removed_told = delivered;
			continue;
		}
		if (!delivered)
			ps_untake(share, &batch->events[i]);
		else if (batch->events[i].kind == PENDSHARE_EVENT_END)
			ps_told(share);
		ps_share_put(share);
	}
	file->in_flight--;
	if (!delivered || ps_is_over(file))
		wake_up(&file->wait);
	spin_unlock_irq(&file->event_lock);
	spin_unlock(&file->lock);
}

/*
 * Delivers what is queued, a batch at a time; a batch counts once the caller can read it
 * and the new count. Returns how many events were delivered, or -EFAULT if none could be.
 */
static int ps_deliver(struct ps_file *file, const struct pendshare_pend *args, u32 __user *count)
{
	struct pendshare_event __user *to = u64_to_user_ptr(args->events);
	struct ps_batch batch;
	u32 done = 0;

	while (done < args->capacity) {
		ps_batch_take(file, &batch, min_t(u32, args->capacity - done, PS_BATCH));
		if (!batch.count)
			break;
		if (copy_to_user(to + done, batch.events, batch.count * sizeof(*to)) ||
		    put_user(done + batch.count, count)) {
			ps_batch_settle(file, &batch, false);
			return done ? done : -EFAULT;
		}
		ps_batch_settle(file, &batch, true);
		done += batch.count;
	}
	return done;
}

/*
 * 1: there is something to deliver. 0: not yet. Else why there never will be. Under the file's
 * event_lock.
 */
static int ps_deliverable(struct ps_file *file)
{
	if (pendshare_events_first(&file->events) || ps_removed_due(file))
		return 1;
	if (ps_is_over(file))
		return READ_ONCE(file->closing) ? -ESHUTDOWN : -ENODEV;
	return 0;
}

static int ps_readable(struct ps_file *file)
{
	int ret;

	spin_lock_irq(&file->event_lock);
	ret = ps_deliverable(file);
	spin_unlock_irq(&file->event_lock);
	return ret;
}

int ps_pend(struct ps_file *file, bool nonblock, const struct pendshare_pend *args,
	    u32 __user *count)
{
	int ret;

	for (;;) {
		ret = ps_deliver(file, args, count);
		if (ret)
			return min(ret, 0);
		ret = ps_readable(file);
		if (ret < 0)
			return ret;
		if (nonblock)
			return -EAGAIN;
		if (wait_event_interruptible(file->wait, ps_readable(file)))
			return -ERESTARTSYS;
	}
}

static struct ps_share *ps_share_get(struct ps_file *file, u64 id)
{
	struct ps_share *share;

	spin_lock(&file->lock);
	share = ps_share_find(file, id);
	if (share)
		refcount_inc(&share->refs);
	spin_unlock(&file->lock);
	return share;
}

/* The END was delivered outside of the stream; other events of the share stay in it. */
static void ps_end_delivered(struct ps_share *share)
{
	struct ps_file *file = share->file;

	spin_lock(&file->lock);
	spin_lock_irq(&file->event_lock);
	share->news.due &= ~PENDSHARE_DUE_END;
	if (!pendshare_news_any(&share->news))
		ps_event_drop(share);
	ps_told(share);
	spin_unlock_irq(&file->event_lock);
	spin_unlock(&file->lock);
}

/*
 * Whoever waits when the share ends gets its END, also where another call ended the share and
 * has it too: the record stays in the share while we hold a reference.
 */
int ps_pend_share(struct ps_file *file, bool nonblock, const struct pendshare_pend *args,
		  u32 __user *count)
{
	struct pendshare_event __user *to = u64_to_user_ptr(args->events);
	struct ps_share *share = ps_share_get(file, args->id);
	int ret = 0;

	if (!share)
		return -ENOENT;
	if (nonblock && !READ_ONCE(share->ended))
		ret = -EAGAIN;
	else if (wait_var_event_interruptible(share, READ_ONCE(share->ended)))
		ret = -ERESTARTSYS;
	if (ret)
		goto out;
	if (ps_event_put_end(share, to) || put_user(1, count))
		ret = -EFAULT;
	else
		ps_end_delivered(share);
out:
	ps_share_put(share);
	return ret;
}

/*
 * A file with nothing left to tell is readable too: the next PEND says why. What bells have rung is
 * no matter of PEND's.
 */
__poll_t ps_poll(struct file *filp, poll_table *wait)
{
	struct ps_file *file = filp->private_data;
	__poll_t bells;
	int ret;

	if (current->mm != file->owner.mm)
		return EPOLLERR;
	poll_wait(filp, &file->wait, wait);
	spin_lock_irq(&file->event_lock);
	bells = ps_bells_any(file) ? EPOLLPRI : 0;
	ret = ps_deliverable(file);
	spin_unlock_irq(&file->event_lock);
	if (ret < 0)
		return bells | EPOLLIN | EPOLLRDNORM | EPOLLHUP;
	return ret ? bells | EPOLLIN | EPOLLRDNORM : bells;
}
