/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between the kernels the driver is built for (6.1 and later), in one place. */
#ifndef PENDSHARE_COMPAT_H
#define PENDSHARE_COMPAT_H

#include <linux/eventfd.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/version.h>

static inline void ps_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx, 1);
#else
	eventfd_signal(ctx);
#endif
}

static inline void *ps_kvrealloc(void *p, size_t old_size, size_t new_size, gfp_t flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
	return kvrealloc(p, old_size, new_size, flags);
#else
	return kvrealloc(p, new_size, flags);
#endif
}

#endif
