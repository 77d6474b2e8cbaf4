// SPDX-License-Identifier: GPL-2.0-only
/*
 * What peers see of the driver: their registration, and the calls on a share. A peer's
 * module is pinned from the moment SHARE has found it until its share has ended.
 */
#include "compat.h"
#include "internal.h"
#include "trace.h"

static LIST_HEAD(ps_peers);
static DEFINE_MUTEX(ps_peers_lock);

static struct pendshare_peer_ops *ps_peer_find(const char *name)
{
	struct pendshare_peer_ops *peer;

	list_for_each_entry(peer, &ps_peers, node)
		if (!strcmp(peer->name, name))
			return peer;
	return NULL;
}

/* NULL: no such peer, or its module is going. */
const struct pendshare_peer_ops *ps_peer_get(const char *name)
{
	struct pendshare_peer_ops *peer;

	mutex_lock(&ps_peers_lock);
	peer = ps_peer_find(name);
	if (peer && !try_module_get(peer->owner))
		peer = NULL;
	mutex_unlock(&ps_peers_lock);
	return peer;
}

/* Every name with its NUL, then an empty one. Registration saw to it that they fit. */
void ps_peer_names(char names[PENDSHARE_PEERS_SIZE])
{
	struct pendshare_peer_ops *peer;
	size_t used = 0;

	mutex_lock(&ps_peers_lock);
	list_for_each_entry(peer, &ps_peers, node) {
		size_t size = strlen(peer->name) + 1;

		memcpy(names + used, peer->name, size);
		used += size;
	}
	mutex_unlock(&ps_peers_lock);
	memset(names + used, 0, PENDSHARE_PEERS_SIZE - used);
}

static size_t ps_peer_names_size(void)
{
	struct pendshare_peer_ops *peer;
	size_t size = 1;

	list_for_each_entry(peer, &ps_peers, node)
		size += strlen(peer->name) + 1;
	return size;
}

int pendshare_peer_register(struct pendshare_peer_ops *ops)
{
	size_t length = strnlen(ops->name, PENDSHARE_NAME_SIZE);
	int ret = 0;

	if (!length || length == PENDSHARE_NAME_SIZE || !ops->attach || !ops->detach)
		return -EINVAL;
	mutex_lock(&ps_peers_lock);
	if (ps_peer_find(ops->name))
		ret = -EEXIST;
	else if (ps_peer_names_size() + length + 1 > PENDSHARE_PEERS_SIZE)
		ret = -ENOSPC;
	else
		list_add_tail(&ops->node, &ps_peers);
	mutex_unlock(&ps_peers_lock);
	return ret;
}
EXPORT_SYMBOL_GPL(pendshare_peer_register);

void pendshare_peer_unregister(struct pendshare_peer_ops *ops)
{
	mutex_lock(&ps_peers_lock);
	list_del(&ops->node);
	mutex_unlock(&ps_peers_lock);
}
EXPORT_SYMBOL_GPL(pendshare_peer_unregister);

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

int pendshare_share_sgtable(struct ps_share *share, struct sg_table *table)
{
	int ret = ps_pages_sgtable(&share->pages, table);

	if (!ret)
		share->dirty = share->access & PENDSHARE_ACCESS_WRITE;
	return ret;
}
EXPORT_SYMBOL_GPL(pendshare_share_sgtable);

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
	share->news.rings++;
	share->all_rings++;
	ps_event_queue(share);
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
