/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a Windows driver needs to use memory that user space shares: add a peer for each of its
 * devices, and each SHARE that names one is attached to it until that share ends. pendshare.sys
 * exports the calls; a driver that imports them has its service depend on pendshare's.
 *
 * Life of one share, as its peer sees it:
 *
 *	attach ──► start ──► notify, ring ... ──► stop ──► last reference ──► detach
 *
 * The one rule: whoever touches the memory holds a reference of the share, and gives it back
 * soon after stop. Whoever drops the last one, at any IRQL up to DISPATCH_LEVEL, has the share
 * completed.
 *
 * A peer may be removed at any time, also while it has shares: when its device is removed, by
 * surprise too, and at unload.
 */
#ifndef PENDSHARE_PEER_API_H
#define PENDSHARE_PEER_API_H

#include "../include/pendshare/abi.h"
#include "../include/pendshare/frames.h"

#if defined(PENDSHARE_IMPORT)
#define PENDSHARE_API __declspec(dllimport)
#elif defined(_WIN32)
#define PENDSHARE_API __declspec(dllexport)
#else
#define PENDSHARE_API
#endif

struct pendshare_share_context;
struct pendshare_peer;

/* The same for every device of a kind; attach gets the context of its own. */
struct pendshare_peer_ops {
	ULONG access; /* PENDSHARE_ACCESS_* without which SHARE says INVALID_PARAMETER */
	/* Speaks frames: SHARE says INVALID_PARAMETER without them, and for others with them. */
	BOOLEAN frames;

	/*
	 * PASSIVE_LEVEL, in the owner's request: check the options (size bytes, 0 to
	 * PENDSHARE_OPTIONS_MAX, in kernel memory, not checked), map, allocate; *attachment is what
	 * the other calls get. The memory must not be touched before start. On failure SHARE gets
	 * the status, and nothing of the peer may be left.
	 */
	NTSTATUS (*attach)(void *context, struct pendshare_share_context *share,
			   const void *options, ULONG size, void **attachment);
	/* PASSIVE_LEVEL, once, under a reference; the share may be ending already. */
	void (*start)(void *attachment);
	/*
	 * NOTIFY by the owner, after start. PASSIVE_LEVEL, under a reference, several at once. May be
	 * NULL.
	 */
	void (*notify)(void *attachment);
	/*
	 * <= DISPATCH_LEVEL, once, when the share has begun to end: start to let go, never wait. It
	 * may run at the same time as start and notify.
	 */
	void (*stop)(void *attachment);
	/* PASSIVE_LEVEL, once, after the last reference: free what attach made. */
	void (*detach)(void *attachment);
};

/*
 * PASSIVE_LEVEL. SHARE finds the peer before this returns, so its device has to be ready. name: 1
 * to 31 bytes, unique, copied; ops and context are used until the peer is removed.
 * DEVICE_NOT_READY: pendshare is not started; INVALID_PARAMETER: a bad name, or a call is missing;
 * OBJECT_NAME_COLLISION; INSUFFICIENT_RESOURCES: no memory, or INFO could not list it. *peer is
 * NULL then.
 */
PENDSHARE_API NTSTATUS pendshare_peer_add(const struct pendshare_peer_ops *ops, const char *name,
					  void *context, struct pendshare_peer **peer);
/*
 * PASSIVE_LEVEL, but not in a call of the peer's. No new share finds the peer, its live ones end as
 * DEVICE_REMOVED, and when the last has been detached it returns: then nothing of the driver's uses
 * ops or context any more. Of no effect for NULL, and when pendshare was stopped meanwhile.
 */
PENDSHARE_API void pendshare_peer_remove(struct pendshare_peer *peer);

/*
 * In attach: answers the caller of SHARE, by what was really set for instance. At most
 * PENDSHARE_REPLY_MAX bytes, of which it gets as many as it asked for; the last call counts.
 */
PENDSHARE_API void pendshare_share_reply(struct pendshare_share_context *share, const void *reply,
					 ULONG size);
/*
 * In attach: maps the whole share, not executable, and writable only with WRITE in the access; once,
 * later calls return the same address. NULL: no memory.
 */
PENDSHARE_API void *pendshare_share_map(struct pendshare_share_context *share);
/*
 * In attach, once, for a peer that speaks frames: those that SHARE asked for, over the whole share,
 * as pendshare/frames.h says. playback: the owner has all slots at first. How many there are, how
 * long and where is known at once; they are laid out when start is called, and nothing may be taken
 * or given before. From then on one context at a time may use them, at <= DISPATCH_LEVEL, until
 * detach returns. INVALID_PARAMETER: SHARE asked for none, or it is the second call;
 * INSUFFICIENT_RESOURCES: no memory. *frames is NULL then.
 */
PENDSHARE_API NTSTATUS pendshare_share_frames(struct pendshare_share_context *share,
					      BOOLEAN playback, struct pendshare_frames **frames);
/* The locked pages, for DMA; the owner is the request, so nothing of it may be changed or freed. */
PENDSHARE_API PMDL pendshare_share_mdl(const struct pendshare_share_context *share);
/* In bytes. */
PENDSHARE_API ULONG64 pendshare_share_length(const struct pendshare_share_context *share);
PENDSHARE_API ULONG pendshare_share_access(const struct pendshare_share_context *share);

/* The rest from start on, at <= DISPATCH_LEVEL, by whoever holds a reference. */

/* Takes another reference. FALSE, and none: the share is ending. */
PENDSHARE_API BOOLEAN pendshare_share_get(struct pendshare_share_context *share);
PENDSHARE_API void pendshare_share_put(struct pendshare_share_context *share);
PENDSHARE_API BOOLEAN pendshare_share_ending(const struct pendshare_share_context *share);
/* Rings the owner's doorbell. Rings coalesce into a count until the owner looks. */
PENDSHARE_API void pendshare_share_ring(struct pendshare_share_context *share);
/* So many bytes from the start were written: the value of the END. Never goes down. */
PENDSHARE_API void pendshare_share_written(struct pendshare_share_context *share, ULONG64 bytes);
/* The peer is done: the share ends as PEER_ENDED, or as FAILED, unless it is ending already. */
PENDSHARE_API void pendshare_share_end(struct pendshare_share_context *share);
PENDSHARE_API void pendshare_share_fail(struct pendshare_share_context *share,
					enum pendshare_failure failure);

#endif
