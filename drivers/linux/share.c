// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a share begins: everything that can fail comes first, then it is accepted.
 *
 *	check ─ find the peer ─ charge ─ pin ─ attach the peer ─ accept
 *
 * No lock is held across a pin or a peer's call: both may sleep for as long as user space
 * likes. Until it is accepted nobody finds the share; that its id was taken or its file
 * began to close meanwhile is noticed then, and undoes all.
 */
#include <linux/eventfd.h>

#include "internal.h"
#include "trace.h"

/* What a peer has told before this is queued now, and a deadline begins. */
static void ps_begin_to_tell(struct ps_share *share, u64 deadline_ns)
{
	struct ps_file *file = share->file;

	spin_lock_irq(&file->event_lock);
	share->silent = false;
	ps_event_queue(share);
	if (deadline_ns)
		ps_arm(share, deadline_ns, PENDSHARE_DEADLINE);
	spin_unlock_irq(&file->event_lock);
}

/* From here on the share is found by its id, and has exactly one end. */
static int ps_accept(struct ps_share *share, u64 deadline_ns)
{
	struct ps_file *file = share->file;
	int ret;

	spin_lock(&file->lock);
	ret = ps_file_refusal(file);
	if (!ret && ps_share_find(file, share->node.id))
		ret = -EEXIST;
	if (!ret) {
		pendshare_insert(&file->table, &share->node);
		list_add_tail(&share->live, &file->live);
		WRITE_ONCE(file->nr_shares, file->nr_shares + 1);
		file->pinned += share->pages.count;
		if (share->peer || deadline_ns)
			ps_begin_to_tell(share, deadline_ns);
	}
	spin_unlock(&file->lock);
	return ret;
}

static_assert(PENDSHARE_MAX_DEADLINE_NS == KTIME_MAX);

/* The memory is named by its address here, and may be longer than on other systems. */
static int ps_check(const struct pendshare_share *args)
{
	if (!pendshare_request_share(args))
		return -EINVAL;
	if (!args->length || !PAGE_ALIGNED(args->address) || !PAGE_ALIGNED(args->length))
		return -EINVAL;
	if (args->length > PS_MAX_BYTES || args->address + args->length < args->address)
		return -EOVERFLOW;
	return 0;
}

static struct ps_share *ps_share_create(struct ps_file *file, const struct pendshare_share *args)
{
	struct ps_share *share = ps_share_alloc(file);

	if (!share)
		return NULL;
	memset(share, 0, offsetof(struct ps_share, pages.few));
	pendshare_lease_init(&share->lease);
	refcount_set(&share->refs, 1);
	share->file = file;
	share->node.id = args->id;
	share->address = args->address;
	share->length = args->length;
	share->access = args->access;
	INIT_LIST_HEAD(&share->live);
	memcpy(share->label, args->label, sizeof(share->label));
	return share;
}

static int ps_find_event(struct ps_share *share, const struct pendshare_share *args)
{
	struct eventfd_ctx *event;

	if (!(args->flags & PENDSHARE_SHARE_EVENT))
		return 0;
	event = args->event > INT_MAX ? ERR_PTR(-EBADF) : eventfd_ctx_fdget(args->event);
	if (IS_ERR(event))
		return -EBADF;
	share->event = event;
	return 0;
}

static int ps_find_peer(struct ps_share *share, const struct pendshare_share *args)
{
	const struct pendshare_peer_ops *peer;

	if (!args->peer[0])
		return 0;
	peer = ps_peer_get(args->peer);
	if (!peer)
		return -ENOENT;
	share->peer = peer;
	share->silent = true;
	return (args->access & peer->access) == peer->access ? 0 : -EINVAL;
}

/*
 * Once accepted, the share can end and be gone at any time, so it is not touched any more. A
 * peer may end it even before: a reference of ours holds the teardown back until then.
 */
static int ps_attach_and_accept(struct ps_share *share, const struct pendshare_share *args)
{
	const struct pendshare_peer_ops *peer = share->peer;
	int ret;

	if (!peer)
		return ps_accept(share, args->deadline_ns);
	pendshare_lease_get(&share->lease);
	ret = peer->attach(share, args->options, args->options_size);
	if (ret)
		return ret;
	ret = ps_accept(share, args->deadline_ns);
	if (ret)
		peer->detach(share);
	else
		ps_lease_put(share);
	return ret;
}

int ps_share_begin(struct ps_file *file, const struct pendshare_share *args)
{
	struct ps_share *share;
	int ret = ps_check(args);

	if (ret)
		return ret;
	share = ps_share_create(file, args);
	if (!share)
		return -ENOBUFS;
	ret = ps_find_peer(share, args);
	if (!ret)
		ret = ps_find_event(share, args);
	if (ret)
		goto err_found;
	ret = ps_user_charge_share(file->user);
	if (ret)
		goto err_found;
	ret = ps_pages_pin(file, &share->pages, args->address, args->length >> PAGE_SHIFT);
	if (ret)
		goto err_charged;
	trace_pendshare_share(share);
	ret = ps_attach_and_accept(share, args);
	if (ret)
		goto err_pinned;
	return 0;

err_pinned:
	ps_disarm(share);
	if (share->mapping)
		ps_pages_unmap(&share->pages, share->mapping);
	ps_pages_unpin(file, &share->pages, share->dirty);
err_charged:
	ps_user_uncharge_share(file->user);
err_found:
	if (share->event)
		eventfd_ctx_put(share->event);
	if (share->peer)
		module_put(share->peer->owner);
	ps_share_put(share);
	return ret;
}
