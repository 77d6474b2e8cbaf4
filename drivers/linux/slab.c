// SPDX-License-Identifier: GPL-2.0-only
/* The memory of shares: a cache of their own, and one spare a file. */
#include "internal.h"

static struct kmem_cache *ps_cache;

int ps_slab_init(void)
{
	ps_cache = KMEM_CACHE(ps_share, SLAB_ACCOUNT);
	return ps_cache ? 0 : -ENOMEM;
}

void ps_slab_exit(void)
{
	kmem_cache_destroy(ps_cache);
}

/* Of undefined content. */
struct ps_share *ps_share_alloc(struct ps_file *file)
{
	return xchg(&file->spare, NULL) ?: kmem_cache_alloc(ps_cache, GFP_KERNEL);
}

/*
 * Its memory is the file's next share, as shares mostly come and go one by one. The file is
 * still there: whoever puts is in a call on it, or holds its lock, which ->release takes once
 * more when the last share has ended.
 */
void ps_share_put(struct ps_share *share)
{
	if (refcount_dec_and_test(&share->refs))
		ps_share_free(xchg(&share->file->spare, share));
}

void ps_share_free(struct ps_share *share)
{
	if (share)
		kmem_cache_free(ps_cache, share);
}
