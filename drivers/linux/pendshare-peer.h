/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a kernel module needs to use memory that user space shares: register a peer, and
 * each SHARE that names it is attached to it until that share ends.
 *
 * Life of one share, as its peer sees it:
 *
 *	attach ──► notify, ring, map, recall ... ──► detach
 *
 * attach and detach are called once each, in process context, without locks held. The share and its
 * memory are valid from the call of attach until detach returns, or until attach returns an error.
 */
#ifndef PENDSHARE_PEER_API_H
#define PENDSHARE_PEER_API_H

#include <linux/module.h>
#include <linux/scatterlist.h>
#include <pendshare/abi.h>
#include <pendshare/ring.h>

#include "../common/names.h"

struct ps_share;

struct pendshare_peer_ops {
	const char *name;	/* 1 to 31 bytes, unique */
	struct module *owner;	/* THIS_MODULE: pinned while a share is attached */
	u32 access;		/* PENDSHARE_ACCESS_* without which SHARE says EINVAL */
	/*
	 * options: size bytes (0 to PENDSHARE_OPTIONS_SIZE) that the caller of SHARE chose, in
	 * kernel memory, not checked. Returns 0 or the negative errno that SHARE gets; then
	 * nothing of the peer may touch the share any more.
	 */
	int (*attach)(struct ps_share *share, const void *options, u32 size);
	/* Returns when nothing of the peer touches the share any more. May sleep. */
	void (*detach)(struct ps_share *share);
	/* NOTIFY by the owner. May sleep; may be called several times at once. May be NULL. */
	void (*notify)(struct ps_share *share);
	struct pendshare_name entry;	/* the driver's */
};

/* 0, -EINVAL for a bad name or missing call, -EEXIST, or -ENOSPC when INFO could not list it. */
int pendshare_peer_register(struct pendshare_peer_ops *ops);
/* From the owner's module exit: no share is attached then, because each pins the owner. */
void pendshare_peer_unregister(struct pendshare_peer_ops *ops);

u64 pendshare_share_length(const struct ps_share *share); /* bytes */
u32 pendshare_share_access(const struct ps_share *share); /* PENDSHARE_ACCESS_* */
void pendshare_share_set_private(struct ps_share *share, void *private);
void *pendshare_share_private(const struct ps_share *share);

/*
 * Maps the whole share, once: later calls return the same address. Only READ in the access: the
 * mapping must not be written. Process context, one call at a time. NULL: no memory.
 */
void *pendshare_share_map(struct ps_share *share);
/* The pages as a table for dma_map_sgtable(); sg_free_table() is the caller's. -ENOMEM. */
int pendshare_share_sgtable(struct ps_share *share, struct sg_table *table);

/*
 * The rest may be called from any context, hard interrupts included. With PREEMPT_RT not from
 * those that are no threads there (IRQF_NO_THREAD, HRTIMER_MODE_HARD): such a call has no effect
 * but a WARN.
 */

/* Rings the owner's doorbell. Rings coalesce into a count until the owner looks. */
void pendshare_share_ring(struct ps_share *share);
/* Whether the share is ending: time for the peer to stop by itself; detach is coming. */
bool pendshare_share_ending(const struct ps_share *share);
/* The first so many bytes of the share were written: the value of its END. Never goes down. */
void pendshare_share_written(struct ps_share *share, u64 bytes);
/*
 * For a peer with a timer: so many of its ticks came too late to be served, 0 to begin with.
 * Shown to administrators. One call at a time.
 */
void pendshare_share_missed(struct ps_share *share, u64 ticks);
/* The peer is done: the share ends as PEER_ENDED. Of no effect when it is ending already. */
void pendshare_share_end(struct ps_share *share);
/* The share ends as FAILED. */
void pendshare_share_fail(struct ps_share *share, enum pendshare_failure failure);
/* Asks for the memory back: RECALL now, and an end as RECALLED after grace_ms. */
void pendshare_share_recall(struct ps_share *share, u32 grace_ms);

#endif
