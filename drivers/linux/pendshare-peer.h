/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a kernel module needs to use memory that user space shares: add a peer for each of its
 * devices, and each SHARE that names one is attached to it until that share ends.
 *
 * Life of one share, as its peer sees it:
 *
 *	attach ──► notify, ring, map, recall ... ──► detach
 *
 * attach and detach are called once each, in process context, without locks held. The share and its
 * memory are valid from the call of attach until detach returns, or until attach returns an error.
 *
 * A peer may be removed at any time, also while it has shares: from a bus's remove(), when its
 * device is unbound or unplugged, and from module exit.
 */
#ifndef PENDSHARE_PEER_API_H
#define PENDSHARE_PEER_API_H

#include <linux/module.h>
#include <linux/scatterlist.h>
#include <pendshare/abi.h>
#include <pendshare/frames.h>
#include <pendshare/ring.h>

struct device;
struct ps_share;
struct pendshare_peer;

/* The same for every device of a kind; each call gets the context of its own. */
struct pendshare_peer_ops {
	u32 access; /* PENDSHARE_ACCESS_* without which SHARE says EINVAL */
	bool frames; /* speaks frames: SHARE says EINVAL without them, and for others with them */
	/*
	 * options: size bytes (0 to PENDSHARE_OPTIONS_MAX) that the caller of SHARE chose, in
	 * kernel memory, not checked. Returns 0 or the negative errno that SHARE gets; then
	 * nothing of the peer may touch the share any more.
	 */
	int (*attach)(struct ps_share *share, void *context, const void *options, u32 size);
	/* Returns when nothing of the peer touches the share any more. May sleep. */
	void (*detach)(struct ps_share *share, void *context);
	/* NOTIFY by the owner. May sleep; may be called several times at once. May be NULL. */
	void (*notify)(struct ps_share *share, void *context);
};

/*
 * Process context. SHARE finds the peer before this returns, so its device has to be ready. name:
 * 1 to 31 bytes, unique, copied; ops and context are used until the peer is removed. Returns
 * ERR_PTR of -EINVAL for a bad name or a missing call, -EEXIST, -ENOSPC when INFO could not list
 * it, or -ENOMEM.
 */
struct pendshare_peer *pendshare_peer_add(const struct pendshare_peer_ops *ops, const char *name,
					  void *context);
/*
 * Process context, but not a call of the peer's. No new share finds the peer, its live ones end as
 * DEVICE_REMOVED, and when the last has been detached and has ended it returns: then nothing of
 * the driver's uses ops or context any more. Of no effect for NULL and ERR_PTR.
 */
void pendshare_peer_remove(struct pendshare_peer *peer);

/*
 * In attach: answers the caller of SHARE, by what was really set for instance. At most
 * PENDSHARE_REPLY_MAX bytes, of which it gets as many as it asked for; the last call counts.
 */
void pendshare_share_reply(struct ps_share *share, const void *reply, u32 size);

u64 pendshare_share_length(const struct ps_share *share); /* bytes */
u32 pendshare_share_access(const struct ps_share *share); /* PENDSHARE_ACCESS_* */
void pendshare_share_set_private(struct ps_share *share, void *private);
void *pendshare_share_private(const struct ps_share *share);

/*
 * Maps the whole share, once: later calls return the same address. Only READ in the access: the
 * mapping must not be written. Process context, one call at a time. NULL: no memory.
 */
void *pendshare_share_map(struct ps_share *share);
/*
 * Lays out the frames that SHARE asked for, over the whole share, as pendshare/frames.h says: in
 * attach, once, for a peer that speaks them. playback: the owner has all slots at first. What is
 * returned is valid until detach returns; one context at a time may use it. -ENOBUFS: no memory;
 * -EINVAL: SHARE asked for none.
 */
struct pendshare_frames *pendshare_share_frames(struct ps_share *share, bool playback);
/*
 * Maps the share for DMA by a device, in the direction of its access, within the device's limits on
 * segments; once a share, in process context, from attach on. *table is as dma_map_sgtable() leaves
 * it. We undo it, after detach: until then the device may use it, and after that it must not; with
 * an IOMMU it cannot. -EBUSY: mapped already; -EOPNOTSUPP: beyond the device's DMA mask, as bounce
 * buffers would be copies; -ENOBUFS: no memory, or no room in an IOMMU (ENOMEM and EIO would tell
 * SHARE's caller something else).
 */
int pendshare_share_dma_map(struct ps_share *share, struct device *device,
			    const struct sg_table **table);

/*
 * The rest may be called from any context, hard interrupts included. With PREEMPT_RT not from
 * those that are no threads there (IRQF_NO_THREAD, HRTIMER_MODE_HARD): such a call has no effect
 * but a WARN.
 */

/*
 * The pages of a part of the share, in bytes, as a list of at most max entries in sg, for a
 * framework that maps for DMA by itself, as virtio's queues do. The share has to be mapped by
 * pendshare_share_map() or pendshare_share_frames(); it takes a look-up a page. Nothing may use
 * them after detach. Returns how many entries there are, the last marked as the end. -EINVAL: not
 * mapped, or no part of the share; -EMSGSIZE: more than max.
 */
int pendshare_share_sg(const struct ps_share *share, u64 offset, u64 length,
		       struct scatterlist *sg, unsigned int max);
/*
 * Where the device's accesses are not coherent with the processor's caches: before the owner or the
 * peer reads what the device has written, and before the device gets what they have written. Bytes;
 * of no effect, and cheap, where they are coherent, and for a share that is not mapped for DMA.
 */
void pendshare_share_sync_for_cpu(struct ps_share *share, u64 offset, u64 length);
void pendshare_share_sync_for_device(struct ps_share *share, u64 offset, u64 length);
/*
 * Where the device finds the byte at offset of a share that is mapped for it. Its page lies there
 * as a whole; what follows the page may lie elsewhere, see the table.
 */
dma_addr_t pendshare_share_dma(const struct ps_share *share, u64 offset);
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
