// SPDX-License-Identifier: GPL-2.0-only
/*
 * A peer of one's own: at each NOTIFY it inverts every bit of the share and rings. The
 * driver calls attach and detach once a share, notify only in between, and keeps this
 * module loaded meanwhile, so nothing here needs a lock but for notify against itself.
 */
#include <linux/mutex.h>
#include <linux/slab.h>

#include "pendshare-peer.h"

struct invert {
	struct mutex lock; /* NOTIFY can come from several threads at once */
	u64 *words;
	u64 count;
};

static int invert_attach(struct ps_share *share, const void *options, u32 size)
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

static void invert_detach(struct ps_share *share)
{
	kfree(pendshare_share_private(share));
}

static void invert_notify(struct ps_share *share)
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

static struct pendshare_peer_ops invert_peer = {
	.name = "invert",
	.owner = THIS_MODULE,
	.access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE,
	.attach = invert_attach,
	.detach = invert_detach,
	.notify = invert_notify,
};

static int __init invert_init(void)
{
	return pendshare_peer_register(&invert_peer);
}

static void __exit invert_exit(void)
{
	pendshare_peer_unregister(&invert_peer);
}

module_init(invert_init);
module_exit(invert_exit);

MODULE_DESCRIPTION("Example of a pendshare peer: inverts the memory that is shared with it");
MODULE_LICENSE("GPL");
