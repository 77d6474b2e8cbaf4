// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a share begins: everything that can fail comes first, then it is accepted.
 *
 *	check ─ charge ─ pin ─ find the peer ─ attach it ─ accept
 *
 * No lock is held across a pin or a peer's call, as both may sleep, and a pin for as long as user
 * space likes: so the peer is found after it, or user space could keep a device from being removed.
 * Until it is accepted nobody finds the share; that its id was taken or its file
 * began to close meanwhile is noticed then, and undoes all.
 */
#include <linux/eventfd.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "internal.h"
#include "trace.h"

/* What a peer has told before this is queued now, and a deadline begins. */
static void ps_begin_to_tell(struct ps_share *share, u64 deadline_ns)
{
	struct ps_file *file = share->file;

	spin_lock_irq(&file->event_lock);
	ps_event_begin(share);
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
	return pendshare_request_frames(args, args->length, PAGE_SIZE) ? 0 : -EINVAL;
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
	const struct pendshare_peer_ops *ops;

	share->peer = ps_peer_get(args->peer);
	if (!share->peer)
		return -ENOENT;
	share->silent = true;
	ops = share->peer->ops;
	if ((args->access & ops->access) != ops->access || ops->frames != !!args->frame_count)
		return -EINVAL;
	return 0;
}

/*
 * Once accepted, the share can end and be gone at any time, so it is not touched any more. A
 * peer may end it even before: a reference of ours holds the teardown back until then, and until
 * we have seen whether the peer was removed meanwhile, by someone who could not yet find the share.
 */
static int ps_attach_and_accept(struct ps_share *share, const struct pendshare_share *args,
				const void *options, struct ps_reply *reply)
{
	struct pendshare_peer *peer;
	int ret;

	if (!args->peer[0])
		return ps_accept(share, args->deadline_ns);
	ret = ps_find_peer(share, args);
	if (ret)
		return ret;
	peer = share->peer;
	pendshare_lease_get(&share->lease);
	share->reply = args->reply ? reply : NULL;
	ret = peer->ops->attach(share, peer->context, options, args->options_size);
	if (ret)
		return ret;
	ret = ps_accept(share, args->deadline_ns);
	if (ret) {
		peer->ops->detach(share, peer->context);
		return ret;
	}
	if (READ_ONCE(peer->removed))
		ps_end(share, PENDSHARE_DEVICE_REMOVED);
	ps_lease_put(share);
	return 0;
}

/* Before there is a share or a peer: user space can stretch a copy as it can a pin. */
static void *ps_copy_options(const struct pendshare_share *args)
{
	void *options = kmalloc(args->options_size, GFP_KERNEL_ACCOUNT);

	if (!options)
		return ERR_PTR(-ENOBUFS);
	if (!copy_from_user(options, u64_to_user_ptr(args->more), args->options_size))
		return options;
	kfree(options);
	return ERR_PTR(-EFAULT);
}

static int ps_share_lend(struct ps_file *file, const struct pendshare_share *args,
			 const void *options, struct ps_reply *reply)
{
	struct ps_share *share = ps_share_create(file, args);
	int ret;

	if (!share)
		return -ENOBUFS;
	ret = ps_frames_alloc(share, args);
	if (ret)
		goto err_created;
	ret = ps_find_event(share, args);
	if (!ret && args->flags & PENDSHARE_SHARE_BELL)
		ret = ps_bells_choose(share, args->bell);
	if (ret)
		goto err_created;
	ret = ps_user_charge_share(file->user);
	if (ret)
		goto err_created;
	ret = ps_pages_pin(file, &share->pages, args->address, args->length >> PAGE_SHIFT);
	if (ret)
		goto err_charged;
	trace_pendshare_share(share);
	ret = ps_attach_and_accept(share, args, options, reply);
	if (ret)
		goto err_pinned;
	return 0;

err_pinned:
	ps_disarm(share);
	if (share->dma)
		ps_dma_unmap(share->dma);
	if (share->mapping)
		ps_pages_unmap(&share->pages, share->mapping);
	ps_pages_unpin(file, &share->pages, share->dirty);
err_charged:
	ps_user_uncharge_share(file->user);
err_created:
	kfree(share->frames);
	if (share->event)
		eventfd_ctx_put(share->event);
	if (share->peer)
		ps_peer_put(share->peer);
	ps_share_put(share);
	return ret;
}

/*
 * The reply is written when nobody waits for us any more, and so it is no fault where it cannot be.
 */
int ps_share_begin(struct ps_file *file, const struct pendshare_share *args)
{
	const void *options = args->options;
	struct ps_reply reply;
	int ret = ps_check(args);

	if (ret)
		return ret;
	reply.size = 0;
	if (args->more)
		options = ps_copy_options(args);
	if (IS_ERR(options))
		return PTR_ERR(options);
	ret = ps_share_lend(file, args, options, &reply);
	if (args->more)
		kfree(options);
	reply.size = min(reply.size, args->reply_size);
	if (!ret && reply.size &&
	    copy_to_user(u64_to_user_ptr(args->reply), reply.bytes, reply.size))
		pr_debug("pendshare: the reply to share %llu is lost\n", args->id);
	return ret;
}
