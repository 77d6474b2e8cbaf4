// SPDX-License-Identifier: GPL-2.0-only
/* What peers see of the driver: how they are added, and the calls on a share. */
#include <linux/slab.h>

#include "compat.h"
#include "internal.h"
#include "trace.h"

static struct pendshare_name *ps_peers; /* ps_peers_lock */
static DEFINE_MUTEX(ps_peers_lock);

/* NULL: no such peer. What is found is kept until ps_peer_put(). */
struct pendshare_peer *ps_peer_get(const char *name)
{
	struct pendshare_peer *peer = NULL;
	struct pendshare_name *entry;

	mutex_lock(&ps_peers_lock);
	entry = pendshare_names_find(ps_peers, name);
	if (entry) {
		peer = container_of(entry, struct pendshare_peer, entry);
		refcount_inc(&peer->users);
	}
	mutex_unlock(&ps_peers_lock);
	return peer;
}

void ps_peer_names(char names[PENDSHARE_PEERS_SIZE])
{
	mutex_lock(&ps_peers_lock);
	pendshare_names_list(ps_peers, names);
	mutex_unlock(&ps_peers_lock);
}

static int ps_peer_show(struct pendshare_peer *peer)
{
	static const int errors[] = {
		[PENDSHARE_NAMES_ADDED] = 0,
		[PENDSHARE_NAMES_INVALID] = -EINVAL,
		[PENDSHARE_NAMES_TAKEN] = -EEXIST,
		[PENDSHARE_NAMES_FULL] = -ENOSPC,
	};
	int ret;

	mutex_lock(&ps_peers_lock);
	ret = errors[pendshare_names_add(&ps_peers, &peer->entry, peer->name)];
	mutex_unlock(&ps_peers_lock);
	return ret;
}

/* From here on SHARE does not find it; a SHARE that has found it before looks once more. */
void ps_peer_hide(struct pendshare_peer *peer)
{
	mutex_lock(&ps_peers_lock);
	pendshare_names_remove(&ps_peers, &peer->entry);
	WRITE_ONCE(peer->removed, true);
	mutex_unlock(&ps_peers_lock);
}

struct pendshare_peer *pendshare_peer_add(const struct pendshare_peer_ops *ops, const char *name,
					  void *context)
{
	struct pendshare_peer *peer;
	int ret;

	if (!ops->attach || !ops->detach || pendshare_name_length(name) >= sizeof(peer->name))
		return ERR_PTR(-EINVAL);
	peer = kzalloc(sizeof(*peer), GFP_KERNEL);
	if (!peer)
		return ERR_PTR(-ENOMEM);
	peer->ops = ops;
	peer->context = context;
	refcount_set(&peer->users, 1);
	init_completion(&peer->unused);
	strscpy(peer->name, name, sizeof(peer->name));
	ret = ps_peer_show(peer);
	if (ret) {
		kfree(peer);
		return ERR_PTR(ret);
	}
	return peer;
}
EXPORT_SYMBOL_GPL(pendshare_peer_add);

u64 pendshare_share_length(const struct ps_share *share)
{
	return share->length;
}
EXPORT_SYMBOL_GPL(pendshare_share_length);

u32 pendshare_share_access(const struct ps_share *share)
{
	return share->access;
}
EXPORT_SYMBOL_GPL(pendshare_share_access);

void pendshare_share_set_private(struct ps_share *share, void *private)
{
	share->private = private;
}
EXPORT_SYMBOL_GPL(pendshare_share_set_private);

void *pendshare_share_private(const struct ps_share *share)
{
	return share->private;
}
EXPORT_SYMBOL_GPL(pendshare_share_private);

void pendshare_share_reply(struct ps_share *share, const void *reply, u32 size)
{
	/* After attach there is no reply any more, but the list of the living. */
	if (WARN_ON_ONCE(!READ_ONCE(share->silent)) || !share->reply)
		return;
	if (WARN_ON_ONCE(size > sizeof(share->reply->bytes)))
		return;
	memcpy(share->reply->bytes, reply, size);
	share->reply->size = size;
}
EXPORT_SYMBOL_GPL(pendshare_share_reply);

void *pendshare_share_map(struct ps_share *share)
{
	bool writable = share->access & PENDSHARE_ACCESS_WRITE;

	if (!share->mapping)
		share->mapping = ps_pages_map(&share->pages, writable);
	if (share->mapping)
		share->dirty = writable;
	return share->mapping;
}
EXPORT_SYMBOL_GPL(pendshare_share_map);

/*
 * With PREEMPT_RT spin locks sleep, and taken in a true hard interrupt they hang the machine
 * now and then, without a word. Such a call is refused, and says so in the log.
 */
static inline bool ps_may_not_lock(void)
{
	return WARN_ON_ONCE(IS_ENABLED(CONFIG_PREEMPT_RT) && in_hardirq());
}

void pendshare_share_ring(struct ps_share *share)
{
	struct ps_file *file = share->file;
	unsigned long flags;

	if (ps_may_not_lock())
		return;
	spin_lock_irqsave(&file->event_lock, flags);
	ps_event_ring(share);
	spin_unlock_irqrestore(&file->event_lock, flags);
	if (share->event)
		ps_eventfd_signal(share->event);
	trace_pendshare_doorbell(share);
}
EXPORT_SYMBOL_GPL(pendshare_share_ring);

bool pendshare_share_ending(const struct ps_share *share)
{
	return pendshare_lease_reason(&share->lease) != PENDSHARE_LIVE;
}
EXPORT_SYMBOL_GPL(pendshare_share_ending);

void pendshare_share_written(struct ps_share *share, u64 bytes)
{
	bytes = min(bytes, share->length);
	if (bytes > READ_ONCE(share->written))
		WRITE_ONCE(share->written, bytes);
}
EXPORT_SYMBOL_GPL(pendshare_share_written);

void pendshare_share_missed(struct ps_share *share, u64 ticks)
{
	WRITE_ONCE(share->missed, ticks);
	WRITE_ONCE(share->timed, true);
}
EXPORT_SYMBOL_GPL(pendshare_share_missed);

void pendshare_share_end(struct ps_share *share)
{
	if (ps_may_not_lock())
		return;
	ps_end(share, PENDSHARE_PEER_ENDED);
}
EXPORT_SYMBOL_GPL(pendshare_share_end);

void pendshare_share_fail(struct ps_share *share, enum pendshare_failure failure)
{
	if (ps_may_not_lock())
		return;
	WRITE_ONCE(share->failure, failure);
	ps_end(share, PENDSHARE_FAILED);
}
EXPORT_SYMBOL_GPL(pendshare_share_fail);

void pendshare_share_recall(struct ps_share *share, u32 grace_ms)
{
	if (ps_may_not_lock())
		return;
	ps_recall(share, grace_ms);
}
EXPORT_SYMBOL_GPL(pendshare_share_recall);
