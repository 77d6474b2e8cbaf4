// SPDX-License-Identifier: GPL-2.0-only
/*
 * A peer of one's own: at each NOTIFY it inverts every bit of the share and rings. The
 * driver calls attach and detach once a share and notify only in between, and
 * pendshare_peer_remove() returns after the last detach, so nothing here needs a lock but for
 * notify against itself.
 */
#include <linux/mutex.h>
#include <linux/slab.h>

#include "pendshare-peer.h"

struct invert {
	struct mutex lock; /* NOTIFY can come from several threads at once */
	u64 *words;
	u64 count;
};

static int invert_attach(struct ps_share *share, void *context, const void *options, u32 size)
{
	struct invert *invert;

	if (size)
		return -EINVAL;
	invert = kzalloc(sizeof(*invert), GFP_KERNEL_ACCOUNT);
	if (!invert)
		return -ENOBUFS;
	mutex_init(&invert->lock);
	invert->words = pendshare_share_map(share);
	invert->count = pendshare_share_length(share) / sizeof(u64);
	if (!invert->words) {
		kfree(invert);
		return -ENOBUFS;
	}
	pendshare_share_set_private(share, invert);
	return 0;
}

static void invert_detach(struct ps_share *share, void *context)
{
	kfree(pendshare_share_private(share));
}

static void invert_notify(struct ps_share *share, void *context)
{
	struct invert *invert = pendshare_share_private(share);
	u64 i;

	mutex_lock(&invert->lock);
	for (i = 0; i < invert->count; i++)
		WRITE_ONCE(invert->words[i], ~READ_ONCE(invert->words[i]));
	mutex_unlock(&invert->lock);
	pendshare_share_written(share, invert->count * sizeof(u64));
	pendshare_share_ring(share);
}

static const struct pendshare_peer_ops invert_ops = {
	.access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE,
	.attach = invert_attach,
	.detach = invert_detach,
	.notify = invert_notify,
};

static struct pendshare_peer *invert_peer;

static int __init invert_init(void)
{
	invert_peer = pendshare_peer_add(&invert_ops, "invert", NULL);
	return PTR_ERR_OR_ZERO(invert_peer);
}

/* Shares that are live end as DEVICE_REMOVED. */
static void __exit invert_exit(void)
{
	pendshare_peer_remove(invert_peer);
}

module_init(invert_init);
module_exit(invert_exit);

MODULE_DESCRIPTION("Example of a pendshare peer: inverts the memory that is shared with it");
MODULE_LICENSE("GPL");
